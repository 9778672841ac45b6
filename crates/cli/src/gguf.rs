//! Between the tokenizer that a GGUF file carries and the one that the program uses.

use std::path::Path;

use anyhow::{Context, Result};
use hadal_model::gguf::{TokenKind, Vocabulary, read_vocabulary};
use hadal_tokenizer::{Parts, Tokenizer};

/// Whether a path is named as GGUF files are.
pub(crate) fn is_named(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"))
}

/// The tokenizer of a GGUF file.
pub(crate) fn tokenizer(path: &Path) -> Result<Tokenizer> {
    let vocabulary = read_vocabulary(path)?;
    Tokenizer::from_plain_parts(&parts(vocabulary)).with_context(|| path.display().to_string())
}

fn parts(vocabulary: Vocabulary) -> Parts {
    let of_kind = |wanted: &[TokenKind]| {
        let ids = (0u32..).zip(&vocabulary.kinds);
        ids.filter(|(_, kind)| wanted.contains(kind)).map(|(id, _)| id).collect()
    };
    let special = of_kind(&[TokenKind::Control]);
    let added = of_kind(&[TokenKind::Control, TokenKind::Added]);
    let tokens = vocabulary.tokens.into_iter().zip(&vocabulary.kinds);
    Parts {
        splits: vocabulary.splits,
        tokens: tokens.map(|(token, kind)| (*kind != TokenKind::Unused).then_some(token)).collect(),
        added,
        special,
        merges: vocabulary.merges,
        bos: vocabulary.bos,
        eos: vocabulary.eos,
        pad: vocabulary.pad,
        add_bos: vocabulary.add_bos,
        add_eos: vocabulary.add_eos,
        chat_template: vocabulary.chat_template,
    }
}

/// What a GGUF file is to carry of a tokenizer.
pub(crate) fn vocabulary(tokenizer: &Tokenizer) -> Result<Vocabulary> {
    let parts = tokenizer.to_plain_parts()?;
    let kinds = (0u32..).zip(&parts.tokens).map(|(id, token)| match token {
        None => TokenKind::Unused,
        Some(_) if parts.special.contains(&id) => TokenKind::Control,
        Some(_) if parts.added.contains(&id) => TokenKind::Added,
        Some(_) => TokenKind::Normal,
    });
    let kinds = kinds.collect();
    let named = (0u32..).zip(parts.tokens);
    Ok(Vocabulary {
        splits: parts.splits,
        tokens: named.map(|(id, token)| token.unwrap_or_else(|| format!("[PAD{id}]"))).collect(),
        kinds,
        merges: parts.merges,
        bos: parts.bos,
        eos: parts.eos,
        pad: parts.pad,
        add_bos: parts.add_bos,
        add_eos: parts.add_eos,
        chat_template: parts.chat_template,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.
mod tests {
    use std::fs::{self, File};
    use std::io::{BufReader, Read};

    use super::*;
    use crate::builtin;

    /// llama.cpp's own test of its tokenizers: the vocabularies, texts, and ids by Hugging Face.
    #[test]
    fn ids_of_deepseek_vocabularies_are_those_of_hugging_face() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("../../../shared/data/deepseek/tokenizer");
        if !folder.is_dir() {
            eprintln!("skipped: ../shared/data is not here");
            return;
        }
        for name in ["deepseek-llm", "deepseek-coder"] {
            let at = |end: &str| folder.join(format!("ggml-vocab-{name}.gguf{end}"));
            let packed = BufReader::new(File::open(at(".zst")).unwrap());
            let mut bytes = Vec::new();
            let mut unpacked = ruzstd::decoding::StreamingDecoder::new(packed).unwrap();
            unpacked.read_to_end(&mut bytes).unwrap();
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), bytes).unwrap();

            let tokenizer = tokenizer(file.path()).unwrap();
            let texts = fs::read_to_string(at(".inp")).unwrap();
            let ids = fs::read_to_string(at(".out")).unwrap();
            let mut n_texts = 0;
            for (text, ids) in texts.split("\n__ggml_vocab_test__\n").zip(ids.lines()) {
                let expected: Vec<u32> =
                    ids.split_whitespace().map(|id| id.parse().unwrap()).collect();
                let found = tokenizer.encode(text, false).unwrap();
                assert_eq!(found, expected, "{name}: {text:?}");
                n_texts += 1;
            }
            assert!(n_texts > 40, "{name}: {n_texts} texts");
        }
    }

    #[test]
    fn the_tokenizer_inside_comes_back() {
        let original = builtin::tokenizer().unwrap();
        let again = Tokenizer::from_plain_parts(&parts(vocabulary(&original).unwrap())).unwrap();
        let text = "<｜User｜>The sea's 12345 fathoms,\r\n\t 深海 is\u{301} deep…<｜Assistant｜> ";
        for add_special in [false, true] {
            let ids = original.encode(text, add_special).unwrap();
            assert_eq!(again.encode(text, add_special).unwrap(), ids);
            assert_eq!(again.decode(&ids, true).unwrap(), original.decode(&ids, true).unwrap());
        }
        assert_eq!((again.bos(), again.eos()), (original.bos(), original.eos()));
        assert_eq!(again.pad(), original.pad());
        assert_eq!(again.to_plain_parts().unwrap(), original.to_plain_parts().unwrap());
    }
}
