//! The chart: accuracy over the number of texts, clean and perturbed.

use std::path::Path;

use hadal_corpus::Error;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::{Accuracies, Drawn, WAYS, interval};

/// The font that charts of training runs have.
const FONT: &[u8] = include_bytes!("../../../../assets/font/DejaVuSans-subset.ttf");

const COLOURS: [RGBColor; 6] = [
    RGBColor(110, 116, 128),
    RGBColor(31, 119, 180),
    RGBColor(214, 126, 14),
    RGBColor(44, 140, 60),
    RGBColor(148, 82, 176),
    RGBColor(180, 40, 50),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Writes the chart, one row for each model.
pub(crate) fn write(path: &Path, models: &[Vec<Drawn>]) -> Result<(), Error> {
    assert!(register_font("sans-serif", FontStyle::Normal, FONT).is_ok(), "the font is sound");
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (960, 640)).into_drawing_area();
        area.fill(&WHITE).expect("drawn into a string");
        let panels = area.split_evenly((models.len(), 2));
        for (panels, points) in panels.chunks(2).zip(models) {
            for (kind, panel) in panels.iter().enumerate() {
                panel_of(panel, points, kind).expect("drawn into a string");
            }
        }
        area.present().expect("drawn into a string");
    }
    std::fs::write(path, svg).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// One panel: a model on the clean test sets (`kind` 0) or the perturbed ones (1).
fn panel_of(
    area: &Area<'_>,
    points: &[Drawn],
    kind: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let title = format!("{}, {}", points[0].0, ["clean", "perturbed"][kind]);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(52)
        .build_cartesian_2d(-0.2..points.len() as f64 - 0.8, 50.0..95.0)?;
    let name = |x: &f64| match points.get(x.round() as usize) {
        Some((_, usize::MAX, _)) if x.fract().abs() < 0.01 => "all".to_owned(),
        Some((_, size, _)) if x.fract().abs() < 0.01 => size.to_string(),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_labels(points.len())
        .x_label_formatter(&name)
        .y_label_formatter(&|accuracy| format!("{accuracy:.0}"))
        .y_desc("accuracy, %")
        .label_style(("sans-serif", 12))
        .draw()?;
    for ((way, (name, _)), colour) in WAYS.iter().enumerate().zip(COLOURS) {
        let of = |accuracies: &Accuracies| {
            interval(&accuracies[way].iter().map(|seed| seed[kind]).collect::<Vec<_>>())
        };
        let line = points.iter().enumerate().map(|(x, point)| (x as f64, of(&point.2).0));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        for (x, (mean, half)) in points.iter().map(|point| of(&point.2)).enumerate() {
            let bar = [(x as f64, mean - half), (x as f64, mean + half)];
            chart.draw_series([PathElement::new(bar, colour)])?;
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(("sans-serif", 12))
        .background_style(WHITE)
        .draw()?;
    Ok(())
}
