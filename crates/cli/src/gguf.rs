//! Between the tokenizer that a GGUF file carries and the one that the program uses.

use std::path::Path;

use anyhow::{Context, Result};
use hadal_model::gguf::{TokenKind, Vocabulary, read_vocabulary};
use hadal_tokenizer::{Parts, Tokenizer};

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
