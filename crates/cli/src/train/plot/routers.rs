//! Where a run's tokens went: for each layer a map of load over time and expert.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::canvas::{Canvas, Chart, INK, letters};
use super::curves::tick;
use super::history::History;

/// Height of a layer's map, and what stands around all maps.
const PANEL_HEIGHT: u32 = 190;
const KEY_HEIGHT: u32 = 64;

pub(crate) fn chart(run: &History) -> RouterMaps<'_> {
    RouterMaps { run }
}

pub(crate) struct RouterMaps<'a> {
    run: &'a History,
}

impl Chart for RouterMaps<'_> {
    fn size(&self) -> (u32, u32) {
        (1200, KEY_HEIGHT + PANEL_HEIGHT * self.n_layers().div_ceil(self.n_columns()) as u32)
    }

    fn on_svg(&self, canvas: &Canvas<SVGBackend<'_>>) -> Result<()> {
        self.draw(canvas).map_err(|error| anyhow!("drawing: {error}"))
    }

    fn on_pixels(&self, canvas: &Canvas<BitMapBackend<'_>>) -> Result<()> {
        self.draw(canvas).map_err(|error| anyhow!("drawing: {error}"))
    }
}

impl RouterMaps<'_> {
    fn n_layers(&self) -> usize {
        self.run.routers.iter().map(|routers| routers.loads.len()).max().unwrap_or(0)
    }

    /// Few layers are drawn wide, many side by side.
    fn n_columns(&self) -> usize {
        match self.n_layers() {
            0..=2 => 1,
            3..=12 => 2,
            _ => 3,
        }
    }

    fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        canvas.area.fill(&WHITE)?;
        let (head, maps) = canvas.area.split_vertically(canvas.px(KEY_HEIGHT));
        self.key(&Canvas { area: head, scale: canvas.scale })?;
        let maps = Canvas { area: maps, scale: canvas.scale };
        let n_layers = self.n_layers();
        let grid = maps.grid(n_layers.div_ceil(self.n_columns()), self.n_columns());
        for (layer, area) in (0..n_layers).zip(grid) {
            self.map(&area, layer)?;
        }
        Ok(())
    }

    /// What the colours mean.
    fn key<B: DrawingBackend>(
        &self,
        canvas: &Canvas<B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let px = |length| canvas.px(length) as i32;
        let title =
            format!("load of each expert over the mean load of its layer: {}", self.run.name);
        canvas.area.draw(&Text::new(title, (px(24), px(14)), letters(canvas, 16)))?;
        let (left, top, n, width) = (760, 14, 128, 3);
        for i in 0..n {
            let colour = colour(2.0 * i as f64 / (n - 1) as f64);
            let x = left + i * width;
            let corners = [(px(x), px(top)), (px(x + width), px(top + 14))];
            canvas.area.draw(&Rectangle::new(corners, colour.filled()))?;
        }
        for (label, at) in [("0: nothing", 0), ("1: the mean", n / 2), ("2 and more", n)] {
            let x = left + at * width;
            let style = letters(canvas, 12);
            let (text_width, _) = canvas.area.estimate_text_size(label, &style)?;
            let shift = text_width as i32 * at as i32 / n as i32;
            canvas.area.draw(&Text::new(label, (px(x) - shift, px(top + 20)), style))?;
        }
        Ok(())
    }

    /// One layer: steps from left to right, experts from bottom to top.
    fn map<B: DrawingBackend>(
        &self,
        canvas: &Canvas<B>,
        layer: usize,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let routers = &self.run.routers;
        let n_experts = routers.iter().filter_map(|r| r.loads.get(layer)).map(Vec::len).max();
        let (n_experts, last) = (n_experts.unwrap_or(1), routers.last().map_or(1, |r| r.step));
        let mut chart = ChartBuilder::on(&canvas.area)
            .caption(format!("layer {} of those with experts", layer + 1), letters(canvas, 13))
            .margin(canvas.px(6))
            .margin_right(canvas.px(24))
            .x_label_area_size(canvas.px(28))
            .y_label_area_size(canvas.px(48))
            .build_cartesian_2d(0.0..f64::from(last), 0.0..n_experts as f64)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_labels(7)
            .y_labels(n_experts.min(8) + 1)
            .axis_style(INK.mix(0.5).stroke_width(canvas.px(1)))
            .set_all_tick_mark_size(canvas.px(4))
            .label_style(letters(canvas, 11))
            .x_label_formatter(&|step| tick(*step))
            .y_label_formatter(&|expert| tick(*expert))
            .draw()?;
        let mut from = 0.0;
        for routers in routers {
            let to = f64::from(routers.step);
            let loads = routers.loads.get(layer).map_or(&[][..], Vec::as_slice);
            let mean = (loads.iter().sum::<u64>() as f64 / loads.len().max(1) as f64).max(1e-9);
            chart.draw_series(loads.iter().enumerate().map(|(expert, load)| {
                let corners = [(from, expert as f64), (to, expert as f64 + 1.0)];
                Rectangle::new(corners, colour(*load as f64 / mean).filled())
            }))?;
            from = to;
        }
        Ok(())
    }
}

/// From blue at 0 over white at 1 to red at 2 and above (the ends of ColorBrewer's RdBu).
fn colour(load_over_mean: f64) -> RGBColor {
    let [nothing, mean, twice] = [[33, 102, 172], [247, 247, 247], [178, 24, 43]];
    let at = load_over_mean.clamp(0.0, 2.0);
    let (from, to, share) = if at < 1.0 { (nothing, mean, at) } else { (mean, twice, at - 1.0) };
    let [r, g, b] = [0, 1, 2].map(|i| {
        let (from, to) = (f64::from(from[i]), f64::from(to[i]));
        (from + (to - from) * share).round() as u8
    });
    RGBColor(r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_is_the_mean_and_the_ends_stay_ends() {
        assert_eq!(colour(1.0), RGBColor(247, 247, 247));
        assert_eq!(colour(0.0), RGBColor(33, 102, 172));
        assert_eq!(colour(9.0), colour(2.0));
    }
}
