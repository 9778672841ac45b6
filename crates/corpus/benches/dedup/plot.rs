//! The chart: seconds of processors over records with a line fitted, and latencies over records.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

/// The font that charts of training runs have.
const FONT: &[u8] = include_bytes!("../../../../assets/font/DejaVuSans-subset.ttf");

const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 119, 180), RGBColor(214, 126, 14), RGBColor(44, 140, 60), RGBColor(148, 82, 176)];

const COSTS: [(&str, &str); 3] = [
    ("grow_cpu_s", "insertion into the index, the log included"),
    ("open_cpu_s", "opening the index"),
    ("filter_cpu_s", "hadal corpus dedup"),
];

const LATENCIES: [(&str, &str); 4] = [
    ("query_p50_us", "query, p50"),
    ("query_p99_us", "query, p99"),
    ("query_and_insert_p50_us", "query and insertion, p50"),
    ("query_and_insert_p99_us", "query and insertion, p99"),
];

/// Of every measure, its values by the number of records.
type Measures = BTreeMap<String, Vec<(f64, f64)>>;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws what stands in the file `lines`; of a measure given twice at one size, the median.
pub(crate) fn write(lines: &Path, chart: &Path) {
    assert!(register_font("sans-serif", FontStyle::Normal, FONT).is_ok(), "the font is sound");
    let measures = read(&fs::read_to_string(lines).expect("a file of lines"));
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (960, 420)).into_drawing_area();
        area.fill(&WHITE).expect("drawn into a string");
        let (left, right) = area.split_horizontally(480);
        panel(&left, "cost", "processor seconds", &COSTS, &measures, true)
            .expect("drawn into a string");
        panel(&right, "latency", "microseconds", &LATENCIES, &measures, false)
            .expect("drawn into a string");
        area.present().expect("drawn into a string");
    }
    fs::write(chart, svg).expect("room on the disk");
}

fn read(lines: &str) -> Measures {
    let mut all: BTreeMap<(&str, u64), Vec<f64>> = BTreeMap::new();
    for line in lines.lines() {
        if let [measure, n_records, value] = line.split(',').collect::<Vec<_>>()[..]
            && let (Ok(n_records), Ok(value)) = (n_records.parse(), value.parse())
        {
            all.entry((measure, n_records)).or_default().push(value);
        }
    }
    let mut measures = Measures::new();
    for ((measure, n_records), mut values) in all {
        values.sort_by(f64::total_cmp);
        let point = (n_records as f64, values[values.len() / 2]);
        measures.entry(measure.to_owned()).or_default().push(point);
    }
    measures
}

/// One panel, both axes logarithmic. Fitted lines are powers of the number of records, and their
/// exponents are printed beside the names.
fn panel(
    area: &Area<'_>,
    title: &str,
    unit: &str,
    series: &[(&str, &str)],
    measures: &Measures,
    is_fitted: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let present = || series.iter().filter_map(|(key, name)| Some((name, measures.get(*key)?)));
    let values = || present().flat_map(|(_, points)| points.iter().map(|point| point.1));
    let least = values().fold(f64::MAX, f64::min) / 1.5;
    let most = values().fold(f64::MIN, f64::max) * if is_fitted { 8.0 } else { 3.0 };
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d((8e4..1.3e7).log_scale(), (least..most).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_labels(4)
        .y_labels(6)
        .x_label_formatter(&|x| format!("{} M", x / 1e6))
        .x_desc("records")
        .y_desc(unit)
        .label_style(("sans-serif", 12))
        .draw()?;
    for ((name, points), colour) in present().zip(COLOURS) {
        let mut line = points.clone();
        let mut label = (*name).to_owned();
        if is_fitted {
            let (factor, exponent) = fitted(points);
            println!("{name}: {factor:.3e} s x records^{exponent:.3}");
            line.iter_mut().for_each(|(x, y)| *y = factor * x.powf(exponent));
            label = format!("{name}: records^{exponent:.2}");
        }
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 4, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(("sans-serif", 12))
        .background_style(WHITE)
        .draw()?;
    Ok(())
}

/// The factor and the exponent of the power of x that is nearest to the points, by least squares of
/// the logarithms.
fn fitted(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let logs = || points.iter().map(|(x, y)| (x.ln(), y.ln()));
    let (mean_x, mean_y) =
        (logs().map(|l| l.0).sum::<f64>() / n, logs().map(|l| l.1).sum::<f64>() / n);
    let slope = logs().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>()
        / logs().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>();
    ((mean_y - slope * mean_x).exp(), slope)
}
