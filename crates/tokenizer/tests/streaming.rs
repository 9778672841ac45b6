//! Round trips, and decoding one id at a time against decoding all at once.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

mod data;

use std::sync::OnceLock;

use hadal_tokenizer::{Error, Tokenizer};
use proptest::prelude::*;

fn small() -> &'static Tokenizer {
    static SMALL: OnceLock<Tokenizer> = OnceLock::new();
    SMALL.get_or_init(data::small)
}

/// Ids, weighted to single bytes so that characters are broken in every way.
fn any_ids() -> impl Strategy<Value = Vec<u32>> {
    let size = u32::try_from(small().vocab_size()).unwrap();
    proptest::collection::vec(prop_oneof![3 => 8..264_u32, 1 => 0..size], 0..40)
}

/// The pieces of a stream, the rest last.
fn pieces(ids: &[u32], skip_special: bool) -> Vec<String> {
    let mut stream = small().stream(skip_special);
    let mut pieces: Vec<_> = ids.iter().map(|&id| stream.push(id).unwrap()).collect();
    pieces.push(stream.finish());
    pieces
}

proptest! {
    #[test]
    fn any_text_comes_back(text in any::<String>()) {
        let ids = small().encode(&text, false).unwrap();
        prop_assert_eq!(small().decode(&ids, false).unwrap(), text);
    }

    #[test]
    fn pieces_of_any_text_are_the_text(text in any::<String>()) {
        let ids = small().encode(&text, true).unwrap();
        let pieces = pieces(&ids, true);
        prop_assert_eq!(pieces.concat(), text);
        prop_assert_eq!(pieces.last().unwrap(), "");
    }

    #[test]
    fn pieces_of_any_ids_are_what_they_decode_to(ids in any_ids(), skip_special: bool) {
        let whole = small().decode(&ids, skip_special).unwrap();
        prop_assert_eq!(pieces(&ids, skip_special).concat(), whole);
    }

    #[test]
    fn the_bytes_of_the_tokens_are_the_text(ids in any_ids()) {
        let bytes: Vec<u8> =
            ids.iter().flat_map(|&id| small().token_bytes(id).unwrap().to_vec()).collect();
        let whole = small().decode(&ids, false).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&bytes), whole);
    }
}

#[test]
fn a_character_comes_with_its_last_byte() {
    let text = "🐟é";
    let ids: Vec<u32> = text
        .bytes()
        .map(|byte| (8..264).find(|&id| small().token_bytes(id) == Some(&[byte])).unwrap())
        .collect();
    assert_eq!(pieces(&ids, false), ["", "", "", "🐟", "", "é", ""]);
    assert_eq!(pieces(&ids[..3], false), ["", "", "", "\u{fffd}"]);
    assert_eq!(pieces(&[ids[0], ids[4], ids[5]], false), ["", "\u{fffd}", "é", ""]);
}

#[test]
fn an_unknown_id_is_refused_and_changes_nothing() {
    let size = small().vocab_size();
    let beyond = u32::try_from(size).unwrap();
    let is_refusal = |error| matches!(error, Error::UnknownId { id, vocab_size } if id == beyond && vocab_size == size);
    assert!(is_refusal(small().decode(&[9, beyond], false).unwrap_err()));
    let mut stream = small().stream(false);
    let fish: Vec<u32> = small().encode("鲸", false).unwrap();
    let (last, first) = fish.split_last().unwrap();
    assert_eq!(first.iter().map(|&id| stream.push(id).unwrap()).collect::<String>(), "");
    assert!(is_refusal(stream.push(beyond).unwrap_err()));
    assert_eq!(stream.push(*last).unwrap(), "鲸");
}

#[test]
fn deepseek_streams_its_own_goldens() {
    let Some(folder) = data::deepseek() else { return };
    let tokenizer = data::deepseek_tokenizer(&folder, "v3");
    for record in data::read_jsonl_zst(&folder.join("goldens/tokenize.public.jsonl.zst")) {
        let ids: Vec<u32> = serde_json::from_value(record["v3"].clone()).unwrap();
        let mut stream = tokenizer.stream(true);
        let mut text: String = ids.iter().map(|&id| stream.push(id).unwrap()).collect();
        text.push_str(&stream.finish());
        assert_eq!(text, tokenizer.decode(&ids, true).unwrap(), "{}", record["i"]);
    }
}
