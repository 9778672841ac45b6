//! `hadal tokenizer`: learns a vocabulary; turns text into ids and back.

use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use hadal_tokenizer::{TrainSpec, train_byte_level_bpe};
use hadal_train::documents;

use crate::failure::usage;
use crate::logits::parse_ids;
use crate::open::Source;
use crate::output::{bytes, print_now};

#[derive(Subcommand)]
pub(crate) enum TokenizerCommand {
    /// Learn a byte-level BPE vocabulary from documents.
    Train(TrainArgs),
    /// Print the ids of a text, as a JSON list.
    Encode(EncodeArgs),
    /// Print the text of ids.
    Decode(DecodeArgs),
}

#[derive(Args)]
pub(crate) struct TrainArgs {
    /// Text, or .jsonl with a `text` in each line; .zst of either.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Tokens at most, the 256 bytes and the special ones included.
    #[arg(long, value_name = "N")]
    vocab_size: usize,
    /// The folder for tokenizer.json and tokenizer_config.json.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Read about this much text, in bytes.
    #[arg(long, value_name = "N", default_value_t = 1 << 30)]
    max_bytes: usize,
    /// Read only documents that state this licence; may be given several times.
    #[arg(long, value_name = "LICENCE")]
    licence: Vec<String>,
    /// Reserve one more special token; may be given several times. Those of DeepSeek for turns of a
    /// conversation and for filling in the middle are always there.
    #[arg(long, value_name = "TOKEN")]
    special: Vec<String>,
}

#[derive(Args)]
pub(crate) struct EncodeArgs {
    /// A folder with tokenizer.json, or a GGUF file; the model inside hadal where not given.
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// The text; standard input where not given.
    #[arg(long)]
    text: Option<String>,
    /// Add the tokens that the model expects around a text.
    #[arg(long)]
    special: bool,
}

#[derive(Args)]
pub(crate) struct DecodeArgs {
    /// A folder with tokenizer.json, or a GGUF file; the model inside hadal where not given.
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// The ids, separated by commas or spaces; standard input where not given.
    #[arg(long, value_name = "1,2,3")]
    ids: Option<String>,
    /// Leave special tokens out.
    #[arg(long)]
    skip_special: bool,
}

pub(crate) fn run(command: TokenizerCommand) -> Result<()> {
    match command {
        TokenizerCommand::Train(args) => train(args),
        TokenizerCommand::Encode(args) => encode(args),
        TokenizerCommand::Decode(args) => decode(args),
    }
}

fn train(args: TrainArgs) -> Result<()> {
    let mut spec = TrainSpec::new(args.vocab_size);
    spec.special_tokens.extend(args.special);
    let least = 256 + spec.special_tokens.len();
    if args.vocab_size < least {
        let found = args.vocab_size;
        return Err(usage(format!(
            "--vocab-size is {found}; it should be at least {least}, for every byte and the \
             special tokens"
        )));
    }
    let (mut texts, mut n_bytes) = (Vec::new(), 0);
    'files: for file in &args.files {
        for document in documents(file)? {
            if n_bytes >= args.max_bytes {
                break 'files;
            }
            let document = document?;
            if args.licence.is_empty() || args.licence.contains(&document.licence) {
                n_bytes += document.text.len();
                texts.push(document.text);
            }
        }
    }
    if n_bytes == 0 {
        bail!("the files hold no text to learn from");
    }
    let n_documents = texts.len();
    let tokenizer = train_byte_level_bpe(texts.into_iter(), &spec)?;
    tokenizer.save(&args.output)?;
    eprintln!(
        "learned {} tokens from {} of text in {n_documents} documents: {}",
        tokenizer.vocab_size(),
        bytes(n_bytes),
        args.output.display(),
    );
    Ok(())
}

fn encode(args: EncodeArgs) -> Result<()> {
    let tokenizer = Source::of(args.model.as_deref())?.tokenizer()?;
    let text = args.text.map_or_else(standard_input, Ok)?;
    let ids = tokenizer.encode(&text, args.special)?;
    print_now(&format!("{}\n", serde_json::to_string(&ids)?))?;
    Ok(())
}

fn decode(args: DecodeArgs) -> Result<()> {
    let tokenizer = Source::of(args.model.as_deref())?.tokenizer()?;
    let ids = parse_ids(&args.ids.map_or_else(standard_input, Ok)?)?;
    print_now(&format!("{}\n", tokenizer.decode(&ids, args.skip_special)?))?;
    Ok(())
}

fn standard_input() -> Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).context("reading standard input")?;
    Ok(text)
}
