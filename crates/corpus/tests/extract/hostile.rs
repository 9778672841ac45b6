//! Pages made to break readers: they take no more time than others of their length.

use std::time::{Duration, Instant};

use hadal_corpus::extract::dom::Dom;
use hadal_corpus::extract::{Extract, extract};
use hadal_corpus::{Record, Step as _};
use proptest::prelude::*;

/// What ten megabytes may take on a busy machine; a reader that is quadratic takes hours.
const LONGEST: Duration = Duration::from_secs(60);

fn check_time(name: &str, html: &str) {
    let start = Instant::now();
    extract(html, None);
    let took = start.elapsed();
    println!("{name}: {took:.1?}");
    assert!(took < LONGEST, "{name} took {took:?}");
}

#[test]
fn deep_nesting_is_read_flat() {
    let depth = 100_000;
    let html = format!(
        "{}<p>At the bottom there is a line, and it is read.{}",
        "<div>".repeat(depth),
        "</div>".repeat(depth)
    );
    let start = Instant::now();
    let page = extract(&html, None);
    assert_eq!(page.text, "At the bottom there is a line, and it is read.");
    assert!(start.elapsed() < LONGEST);
}

#[test]
fn repetition_takes_linear_time() {
    let n_bytes = 10 << 20;
    for piece in [
        "<",
        "</",
        "<!",
        "<!--",
        "<a ",
        "<a b=\"",
        "<a b='c' \" ",
        "</a>",
        "<b>",
        "<p>",
        "<b><p>",
        "<table>",
        "<tr><td>",
        "<li>",
        "<script><!--<script></script>",
        "<title>",
        "&",
        "&#",
        "&a",
        "<svg><title>",
        "<font><a><p>",
        "<select><option>",
        "<br>",
        "-->",
        "x y, ",
        "<x-y>",
    ] {
        check_time(piece, &piece.repeat(n_bytes / piece.len()));
    }
}

#[test]
fn nested_data_for_machines_is_no_way_in() {
    let data = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let html = format!("<script type='application/ld+json'>{data}</script><p>A text, after all.");
    assert_eq!(extract(&html, None).text, "A text, after all.");
}

#[test]
fn a_page_too_long_or_empty_is_dropped_with_its_reason() {
    let check = |html: String, reason: &str| {
        let record = Record { html: Some(html), ..Record::default() };
        assert_eq!(Extract.apply(record).unwrap_err().reason, reason);
    };
    check("x".repeat((16 << 20) + 1), "page longer than 16 MiB");
    check("<script>x</script>".to_owned(), "page without text");
    assert_eq!(Extract.apply(Record::default()).unwrap_err().reason, "neither page nor text");
}

#[test]
fn what_a_record_says_already_stands() {
    let html = "<html lang=de><title>Von der Seite</title><p>Wenig Licht erreicht die Tiefsee, und keines davon die Gräben am Grund.";
    let record = Record {
        html: Some(html.to_owned()),
        title: Some("Gesagt".to_owned()),
        ..Record::default()
    };
    let record = Extract.apply(record).unwrap();
    assert_eq!(record.title.as_deref(), Some("Gesagt"));
    assert_eq!(record.lang.as_deref(), Some("de"));
    assert_eq!(record.html, None);
    assert!(record.text.starts_with("Wenig Licht"));
}

/// Pieces that pages are made of, in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z., ]{0,20}",
        "</?(p|div|b|a|li|ul|table|tr|td|script|style|title|svg|h1|x-y|body|br|select)( [a-z=\"' ]{0,12})?/?>?",
        "&[#a-zA-Z0-9]{0,8};?",
        "<!(--)?[a-z>-]{0,9}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_a_tree(html in soup()) {
        let dom = Dom::parse(&html);
        for (id, node) in dom.nodes().iter().enumerate().skip(1) {
            let parent = &dom.nodes()[node.parent as usize];
            prop_assert!((node.parent as usize) < id);
            prop_assert!(node.end <= parent.end && node.end as usize > id);
            dom.attributes(id).for_each(drop);
        }
        extract(&html, Some(&html));
    }

    #[test]
    fn any_bytes_are_a_page(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        extract(&String::from_utf8_lossy(&bytes), None);
    }
}
