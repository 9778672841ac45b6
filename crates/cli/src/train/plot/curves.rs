//! The curves of one or several runs: six panels over the steps.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::canvas::{Canvas, Chart, FAINT, INK, letters};
use super::history::{History, Step};

/// Okabe and Ito's colours, told apart by nearly everyone; runs beyond them begin anew.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

/// A curve has no more points than this; beyond, each is the mean of its neighbours.
const MOST_POINTS: usize = 1000;

pub(crate) fn chart(runs: &[History]) -> Curves<'_> {
    Curves { runs }
}

pub(crate) struct Curves<'a> {
    runs: &'a [History],
}

impl Chart for Curves<'_> {
    fn size(&self) -> (u32, u32) {
        (1200, 1080)
    }

    fn on_svg(&self, canvas: &Canvas<SVGBackend<'_>>) -> Result<()> {
        self.draw(canvas)
    }

    fn on_pixels(&self, canvas: &Canvas<BitMapBackend<'_>>) -> Result<()> {
        self.draw(canvas)
    }
}

/// Points of one run: step and value.
type Curve = Vec<(f64, f64)>;

struct Panel {
    title: &'static str,
    curves: Vec<Curve>,
    /// Whether the curve jumps so much that it is drawn pale, under its mean.
    is_noisy: bool,
    /// Whether the axis begins at 0.
    from_zero: bool,
    /// Whether each point is a measurement worth a mark.
    has_marks: bool,
}

impl Curves<'_> {
    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<B>) -> Result<()> {
        let wrong = |error: DrawingAreaErrorKind<B::ErrorType>| anyhow!("drawing: {error}");
        canvas.area.fill(&WHITE).map_err(wrong)?;
        let legend_height = if self.runs.len() > 1 { 36 } else { 8 };
        let (legend, panels) = canvas.area.split_vertically(canvas.px(legend_height));
        if self.runs.len() > 1 {
            self.legend(&Canvas { area: legend, scale: canvas.scale }).map_err(wrong)?;
        }
        let panels = Canvas { area: panels, scale: canvas.scale };
        let last_steps = self.runs.iter().filter_map(|run| run.steps.last());
        let last_step = f64::from(last_steps.map(|step| step.step).fold(1, u32::max));
        for (panel, area) in self.panels().iter().zip(panels.grid(3, 2)) {
            panel.draw(&area, last_step).map_err(wrong)?;
        }
        Ok(())
    }

    fn legend<B: DrawingBackend>(
        &self,
        canvas: &Canvas<B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let style = letters(canvas, 14);
        let (mut x, y) = (canvas.px(24) as i32, canvas.px(20) as i32);
        for (index, run) in self.runs.iter().enumerate() {
            let stroke = ShapeStyle {
                color: COLOURS[index % COLOURS.len()].to_rgba(),
                filled: true,
                stroke_width: canvas.px(3),
            };
            let end = x + canvas.px(24) as i32;
            canvas.area.draw(&PathElement::new(vec![(x, y), (end, y)], stroke))?;
            let at = (end + canvas.px(8) as i32, y - canvas.px(7) as i32);
            canvas.area.draw(&Text::new(run.name.clone(), at, style.clone()))?;
            let (width, _) = canvas.area.estimate_text_size(&run.name, &style)?;
            x = at.0 + width as i32 + canvas.px(28) as i32;
        }
        Ok(())
    }

    fn panels(&self) -> [Panel; 6] {
        let steps = |value: &dyn Fn(&Step) -> Option<f64>| -> Vec<Curve> {
            let point = |step: &Step| Some((f64::from(step.step), value(step)?));
            let curve = |run: &History| thin(run.steps.iter().filter_map(point).collect());
            self.runs.iter().map(curve).collect()
        };
        let measured = |run: &History| {
            run.measured.iter().map(|(step, bits)| (f64::from(*step), *bits)).collect()
        };
        let panel = |title, curves, is_noisy, from_zero| Panel {
            title,
            curves,
            is_noisy,
            from_zero,
            has_marks: false,
        };
        [
            panel("training loss, nats per token", steps(&|step| Some(step.loss)), true, false),
            Panel {
                has_marks: true,
                ..panel(
                    "validation, bits per byte",
                    self.runs.iter().map(measured).collect(),
                    false,
                    false,
                )
            },
            panel("learning rate", steps(&|step| Some(step.learning_rate)), false, true),
            panel(
                "gradient norm, before clipping",
                steps(&|step| Some(step.gradient_norm)),
                true,
                true,
            ),
            panel("tokens per second", steps(&|step| Some(step.tokens_per_second)), true, true),
            panel(
                "greatest expert load over the mean, less 1",
                steps(&|step| step.router.map(|router| router.max_violation)),
                true,
                true,
            ),
        ]
    }
}

impl Panel {
    fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<B>,
        last: f64,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let points = || self.curves.iter().flatten();
        let (low, high) = self.range();
        let mut chart = ChartBuilder::on(&canvas.area)
            .caption(self.title, letters(canvas, 16))
            .margin(canvas.px(10))
            .margin_right(canvas.px(24))
            .x_label_area_size(canvas.px(32))
            .y_label_area_size(canvas.px(64))
            .build_cartesian_2d(0.0..last, low..high)?;
        chart
            .configure_mesh()
            .x_labels(7)
            .y_labels(6)
            .max_light_lines(0)
            .bold_line_style(FAINT.stroke_width(canvas.px(1)))
            .axis_style(INK.mix(0.5).stroke_width(canvas.px(1)))
            .set_all_tick_mark_size(canvas.px(4))
            .label_style(letters(canvas, 12))
            .x_label_formatter(&|step| tick(*step))
            .y_label_formatter(&|value| tick(*value))
            .draw()?;
        if points().next().is_none() {
            let middle = (last / 2.0, (low + high) / 2.0);
            chart.draw_series([Text::new("nothing was measured", middle, letters(canvas, 14))])?;
        }
        for (index, curve) in self.curves.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let line = colour.stroke_width(canvas.px(2));
            if self.is_noisy {
                let pale = colour.mix(0.25).stroke_width(canvas.px(1));
                let clamped = curve.iter().map(|(step, value)| (*step, value.clamp(low, high)));
                chart.draw_series(LineSeries::new(clamped, pale))?;
                chart.draw_series(LineSeries::new(smooth(curve), line))?;
            } else {
                chart.draw_series(LineSeries::new(curve.iter().copied(), line))?;
            }
            if self.has_marks {
                let mark = |point: &(f64, f64)| Circle::new(*point, canvas.px(3), colour.filled());
                chart.draw_series(curve.iter().map(mark))?;
            }
        }
        Ok(())
    }

    /// The values that the panel shows: all of them, but of noisy curves what the smooth ones and
    /// 99 of 100 points need, so that one spike does not flatten the rest.
    fn range(&self) -> (f64, f64) {
        let mut values: Vec<f64> = self.curves.iter().flatten().map(|point| point.1).collect();
        values.sort_by(f64::total_cmp);
        let Some(last) = values.len().checked_sub(1) else { return (0.0, 1.0) };
        let (mut low, mut high) = (values[0], values[last]);
        if self.is_noisy {
            let means: Vec<f64> =
                self.curves.iter().flat_map(|curve| smooth(curve)).map(|point| point.1).collect();
            low = means.iter().copied().fold(values[last / 100], f64::min);
            high = means.iter().copied().fold(values[last - last / 100], f64::max);
        }
        if self.from_zero {
            low = 0.0;
        }
        let room = ((high - low) * 0.05).max(high.abs() * 1e-3).max(1e-9);
        (if self.from_zero { 0.0 } else { low - room }, high + room)
    }
}

/// An exponential mean over about a fortieth of the curve and at least four points, corrected for
/// its beginning.
fn smooth(curve: &[(f64, f64)]) -> Curve {
    let memory = 1.0 - 1.0 / (curve.len() as f64 / 40.0).max(4.0);
    let (mut sum, mut weight) = (0.0, 0.0);
    let mean = |&(step, value): &(f64, f64)| {
        sum = memory * sum + (1.0 - memory) * value;
        weight = memory * weight + (1.0 - memory);
        (step, sum / weight)
    };
    curve.iter().map(mean).collect()
}

/// At most [`MOST_POINTS`] points, each the mean of its neighbours.
fn thin(curve: Curve) -> Curve {
    let n = curve.len().div_ceil(MOST_POINTS).max(1);
    let mean = |points: &[(f64, f64)]| {
        let n = points.len() as f64;
        let sums = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sums.0 / n, sums.1 / n)
    };
    curve.chunks(n).map(mean).collect()
}

/// A number at an axis: `0.003`, `1.5 k`, `2 M`.
pub(crate) fn tick(value: f64) -> String {
    let short = |x: f64| {
        let text = format!("{x:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match value.abs() {
        x if x < 1e-12 => "0".to_owned(),
        x if x < 0.001 => format!("{value:.1e}"),
        x if x < 1e4 => short(value),
        x if x < 1e6 => format!("{} k", short(value / 1e3)),
        _ => format!("{} M", short(value / 1e6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (0.0003, "3.0e-4"),
            (0.0025, "0.003"),
            (4.0, "4"),
            (2200.0, "2200"),
            (15_000.0, "15 k"),
            (2.5e6, "2.5 M"),
        ] {
            assert_eq!(tick(value), expected);
        }
    }

    #[test]
    fn a_long_curve_is_thinned_and_a_constant_one_stays() {
        let curve: Curve = (0..2500).map(|i| (f64::from(i), 7.0)).collect();
        let thinned = thin(curve);
        assert_eq!((thinned.len(), thinned[0]), (834, (1.0, 7.0)));
        assert!(smooth(&thinned).iter().all(|point| (point.1 - 7.0).abs() < 1e-9));
    }
}
