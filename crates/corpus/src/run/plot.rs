//! The charts of a data card: bars, each with its name and what it stands for.

use std::error::Error;
use std::sync::Once;

use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

/// The font of all charts, so that they look the same everywhere.
const FONT: &[u8] = include_bytes!("../../../../assets/font/DejaVuSans-subset.ttf");

const INK: RGBColor = RGBColor(45, 50, 60);
const BAR: RGBColor = RGBColor(31, 119, 180);

/// A bar.
pub(super) struct Bar {
    /// What it is of.
    pub(super) name: String,
    /// How long it is.
    pub(super) value: f64,
    /// Its length in words.
    pub(super) label: String,
}

const WIDTH: u32 = 760;
const NAME_WIDTH: i32 = 300;
const LABEL_WIDTH: i32 = 110;
const ROW: i32 = 22;
const HEAD: i32 = 34;
/// Letters of a name that have room before its bar.
const NAME_LETTERS: usize = 42;

/// A chart as an SVG: one row a bar, the longest as wide as there is room.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        let registered = register_font("sans-serif", FontStyle::Normal, FONT);
        assert!(registered.is_ok(), "the font inside the program is sound");
    });
    let mut svg = String::new();
    draw(title, bars, &mut svg).expect("a string has room");
    svg
}

fn draw(title: &str, bars: &[Bar], svg: &mut String) -> Result<(), Box<dyn Error>> {
    let height = HEAD + ROW * bars.len() as i32 + 8;
    let area = SVGBackend::with_string(svg, (WIDTH, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let style = |size: u32| ("sans-serif", size).into_font().color(&INK);
    area.draw(&Text::new(title.to_owned(), (8, 8), style(16)))?;
    let longest = bars.iter().fold(f64::MIN_POSITIVE, |most, bar| most.max(bar.value));
    let room = f64::from(WIDTH as i32 - NAME_WIDTH - LABEL_WIDTH);
    for (row, bar) in (0..).zip(bars) {
        let top = HEAD + row * ROW;
        let end = NAME_WIDTH + (bar.value / longest * room) as i32;
        area.draw(&Text::new(shortened(&bar.name), (8, top + 3), style(12)))?;
        let corners = [(NAME_WIDTH, top + 2), (end.max(NAME_WIDTH + 1), top + ROW - 4)];
        area.draw(&Rectangle::new(corners, BAR.filled()))?;
        area.draw(&Text::new(bar.label.clone(), (end + 6, top + 3), style(12)))?;
    }
    area.present()?;
    Ok(())
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME_LETTERS) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_is_drawn_with_its_name() {
        let of =
            |name: &str, value: f64| Bar { name: name.into(), value, label: format!("{value} x") };
        let svg = bars("Tokens", &[of("web <1>", 3.0), of(&"深".repeat(60), 0.0)]);
        for text in ["Tokens", "web &lt;1&gt;", "3 x", "0 x", "深…"] {
            assert!(svg.contains(text), "{text}");
        }
        assert_eq!(svg.matches("<rect").count(), 3, "the ground and two bars");
        assert!(bars("None", &[]).contains("None"));
    }
}
