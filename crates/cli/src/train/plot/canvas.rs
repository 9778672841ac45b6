//! What charts are drawn on: one drawing, as SVG and as PNG.

use std::sync::Once;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

/// Something to draw, and how large it wants to be.
pub(crate) trait Chart {
    /// Width and height in pixels of an ordinary screen.
    fn size(&self) -> (u32, u32);

    /// Draws; lengths are multiplied by the canvas's scale.
    fn on_svg(&self, canvas: &Canvas<SVGBackend<'_>>) -> Result<()>;

    /// The same on pixels.
    fn on_pixels(&self, canvas: &Canvas<BitMapBackend<'_>>) -> Result<()>;
}

/// A place to draw on, or a part of one.
pub(crate) struct Canvas<B: DrawingBackend> {
    pub(crate) area: DrawingArea<B, Shift>,
    /// Pixels for one of an ordinary screen.
    pub(crate) scale: u32,
}

impl<B: DrawingBackend> Canvas<B> {
    /// A length in pixels.
    pub(crate) fn px(&self, length: u32) -> u32 {
        length * self.scale
    }

    /// Cuts into rows and columns of equal size.
    pub(crate) fn grid(&self, rows: usize, columns: usize) -> Vec<Canvas<B>> {
        let parts = self.area.split_evenly((rows, columns)).into_iter();
        parts.map(|area| Canvas { area, scale: self.scale }).collect()
    }
}

/// The charts' only font, so that they look the same everywhere.
const FONT: &[u8] = include_bytes!("../../../../../assets/font/DejaVuSans-subset.ttf");

pub(crate) const INK: RGBColor = RGBColor(45, 50, 60);
pub(crate) const FAINT: RGBColor = RGBColor(226, 229, 234);

/// Letters `size` high.
pub(crate) fn letters<B: DrawingBackend>(canvas: &Canvas<B>, size: u32) -> TextStyle<'static> {
    ("sans-serif", canvas.px(size)).into_font().color(&INK)
}

/// The text of an SVG.
pub(crate) fn svg(chart: &dyn Chart) -> Result<String> {
    register();
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, chart.size()).into_drawing_area();
    let canvas = Canvas { area, scale: 1 };
    chart.on_svg(&canvas)?;
    canvas.area.present().map_err(|error| anyhow!("drawing: {error}"))?;
    drop(canvas);
    Ok(text)
}

/// Pixels are drawn this many times finer and averaged, which makes oblique lines smooth, and half
/// of it stays, for screens of today.
const FINER: u32 = 4;
const KEPT: u32 = 2;

/// The bytes of a PNG, twice as large as the SVG.
pub(crate) fn png(chart: &dyn Chart) -> Result<Vec<u8>> {
    register();
    let (width, height) = chart.size();
    let mut fine = vec![0; (width * height * FINER * FINER * 3) as usize];
    let size = (width * FINER, height * FINER);
    let area = BitMapBackend::with_buffer(&mut fine, size).into_drawing_area();
    let canvas = Canvas { area, scale: FINER };
    chart.on_pixels(&canvas)?;
    canvas.area.present().map_err(|error| anyhow!("drawing: {error}"))?;
    drop(canvas);
    let pixels = average(&fine, size.0 as usize, (FINER / KEPT) as usize);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width * KEPT, height * KEPT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}

/// Averages squares of `block` pixels of an image `width` wide.
fn average(fine: &[u8], width: usize, block: usize) -> Vec<u8> {
    let row_bytes = width * 3;
    let mut pixels = Vec::with_capacity(fine.len() / block / block);
    for rows in fine.chunks_exact(row_bytes * block) {
        for column in 0..width / block {
            for colour in 0..3 {
                let sum: usize = (0..block * block)
                    .map(|i| {
                        let (row, x) = (i / block, column * block + i % block);
                        usize::from(rows[row * row_bytes + x * 3 + colour])
                    })
                    .sum();
                pixels.push((sum / (block * block)) as u8);
            }
        }
    }
    pixels
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let registered = register_font("sans-serif", FontStyle::Normal, FONT);
        assert!(registered.is_ok(), "the font inside the program is sound");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_of_pixels_are_averaged() {
        let fine = [0, 0, 0, 4, 8, 12, 0, 0, 0, 4, 8, 12];
        assert_eq!(average(&fine, 2, 2), [2, 4, 6]);
    }
}
