//! `hadal eval`: how well a model predicts documents, and how it fares on tasks.

mod tasks;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use hadal_model::Decoder;
use hadal_tokenizer::Tokenizer;
use hadal_train::{Evaluation, documents, evaluate};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::arguments::{DeviceArgs, ModelArgs};
use crate::failure::usage;
use crate::gguf;
use crate::open::Model;
use crate::output::{print_json, print_now};
use tasks::{TaskArgs, TaskResults};

/// Scores held at once, in numbers: 128 MiB of them.
const SCORES_BUDGET: usize = 32 << 20;
/// Tokens that pass through the model at once, where scores allow.
const TOKENS_BUDGET: usize = 4096;
/// Windows where the model takes more and nothing was asked.
const DEFAULT_WINDOW: usize = 2048;

/// Measure how well a model predicts documents, and how it fares on tasks.
///
/// Files of documents are text, or .jsonl with a `text` in each line; .zst of either. The first is
/// the model if it is a folder; otherwise the model inside hadal is measured. The figure after ± is
/// a standard error: of bits per byte over documents, of the rest over items.
#[derive(Args)]
pub(crate) struct EvalArgs {
    /// The model's folder, if it is not the model inside hadal, and files of documents.
    #[arg(value_name = "[MODEL] FILES")]
    #[arg(required_unless_present_any = ["minimal_pairs", "last_word", "choices"])]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Tokens of a window, in which each token is predicted from those before it; the model's
    /// context, at most 2048, where not given.
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    /// Stop after this many documents.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_documents: Option<u64>,
    /// Stop after this many tokens of documents.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_tokens: Option<u64>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    context: usize,
    #[serde(flatten)]
    documents: Option<DocumentsReport>,
    #[serde(flatten)]
    tasks: TaskResults,
}

#[derive(Serialize)]
struct DocumentsReport {
    perplexity: f64,
    nats_per_token: f64,
    bits_per_byte: f64,
    /// None for a single document.
    bits_per_byte_standard_error: Option<f64>,
    tokens: usize,
    bytes: usize,
    documents: usize,
}

pub(crate) fn run(args: EvalArgs) -> Result<()> {
    let EvalArgs { paths, tasks, device, context, max_documents, max_tokens, json } = args;
    let (model, files) = split(paths)?;
    if files.is_empty() && tasks.is_empty() {
        return Err(usage(
            "there is nothing to measure on; give files after the model's folder, or a task such \
             as --minimal-pairs FILE",
        ));
    }
    let tasks = tasks.read()?;
    let model = Model::open(&ModelArgs { model, device })?;
    let tokenizer = model.source.tokenizer()?;
    let context = model.context(context, DEFAULT_WINDOW)?;
    let documents = match files.is_empty() {
        true => None,
        false => {
            let limits = (max_documents, max_tokens);
            Some(measure_documents(&model, &tokenizer, &files, context, limits)?)
        }
    };
    let tasks = tasks.measure(&model, &tokenizer, context)?;
    let report = Report { model: model.source.name(), context, documents, tasks };
    if json {
        return print_json(&report);
    }
    if let Some(documents) = &report.documents {
        print_now(&documents.table(context))?;
    }
    print_now(&report.tasks.table())?;
    Ok(())
}

fn measure_documents(
    model: &Model,
    tokenizer: &Tokenizer,
    files: &[PathBuf],
    context: usize,
    (max_documents, max_tokens): (Option<u64>, Option<u64>),
) -> Result<DocumentsReport> {
    let mut measure = Measure {
        decoder: model.decoder(context),
        context,
        budget: budget(model),
        progress: progress(max_tokens),
        sums: Evaluation::default(),
        waiting: Vec::new(),
        n_waiting: 0,
        model,
    };
    let bos = bos(model, tokenizer);
    let mut n_documents = 0;
    let mut n_left = max_tokens.map_or(usize::MAX, |n| n as usize);
    'files: for file in files {
        for document in documents(file)? {
            if n_left == 0 || max_documents == Some(n_documents) {
                break 'files;
            }
            let tokens = tokens(tokenizer, bos, &document?.text, n_left)?;
            n_left -= tokens.n_predicted();
            n_documents += 1;
            measure.add(tokens)?;
        }
    }
    let sums = measure.finish()?;
    if sums.n_tokens == 0 {
        bail!("there is nothing to predict: the files hold {n_documents} documents of 0 tokens");
    }
    if !sums.nats.is_finite() {
        return Err(model.why_not_finite());
    }
    Ok(DocumentsReport {
        perplexity: sums.perplexity(),
        nats_per_token: sums.loss(),
        bits_per_byte: sums.bits_per_byte(),
        bits_per_byte_standard_error: sums.bits_per_byte_standard_error(),
        tokens: sums.n_tokens,
        bytes: sums.n_bytes,
        documents: sums.n_documents,
    })
}

impl DocumentsReport {
    fn table(&self, context: usize) -> String {
        let DocumentsReport { perplexity, nats_per_token, bits_per_byte, .. } = self;
        let DocumentsReport { tokens, bytes, documents, .. } = self;
        let error = self.bits_per_byte_standard_error;
        let error = error.map_or_else(String::new, |error| format!(" ± {error:.4}"));
        format!(
            "perplexity      {perplexity:.3}\n\
             nats per token  {nats_per_token:.4}\n\
             bits per byte   {bits_per_byte:.4}{error}\n\
             over            {tokens} tokens, {bytes} bytes, {documents} documents, in windows of \
             {context}\n"
        )
    }
}

/// Tokens that pass through a model at once.
fn budget(model: &Model) -> usize {
    (SCORES_BUDGET / model.config().vocab_size).clamp(1, TOKENS_BUDGET)
}

/// What begins a text.
fn bos(model: &Model, tokenizer: &Tokenizer) -> Option<u32> {
    tokenizer.bos().or(model.config().bos)
}

/// The model, where the first path is a folder or a GGUF file, and the files.
fn split(mut paths: Vec<PathBuf>) -> Result<(Option<PathBuf>, Vec<PathBuf>)> {
    let is_model = |path: &PathBuf| path.is_dir() || gguf::is_named(path);
    let model = paths.first().is_some_and(is_model).then(|| paths.remove(0));
    if let Some(folder) = paths.iter().find(|path| path.is_dir()) {
        let folder = folder.display();
        return Err(usage(format!(
            "{folder} is a folder; only the first path may be one, a model"
        )));
    }
    Ok((model, paths))
}

/// A bar where the end is known, a count otherwise; neither where no terminal is.
fn progress(n_tokens: Option<u64>) -> ProgressBar {
    let (bar, template) = match n_tokens {
        Some(n) => (ProgressBar::new(n), "{bar:40} {human_pos} of {human_len} tokens, {per_sec}"),
        None => (ProgressBar::new_spinner(), "{human_pos} tokens, {per_sec}"),
    };
    bar.with_style(
        ProgressStyle::with_template(template).expect("the template is one of two above"),
    )
}

/// A document as the model sees it.
struct Tokens {
    /// The beginning of text first, where the model has one.
    ids: Vec<i32>,
    /// Bytes that the predicted tokens stand for.
    n_bytes: usize,
}

impl Tokens {
    /// Every token but the first is predicted.
    fn n_predicted(&self) -> usize {
        self.ids.len().saturating_sub(1)
    }
}

/// The tokens of a text after `bos`, of which at most `most` are predicted.
fn tokens(tokenizer: &Tokenizer, bos: Option<u32>, text: &str, most: usize) -> Result<Tokens> {
    let ids: Vec<u32> = bos.into_iter().chain(tokenizer.encode(text, false)?).collect();
    let ids = &ids[..ids.len().min(most.saturating_add(1))];
    let n_bytes = |id: &u32| tokenizer.token_bytes(*id).map_or(0, <[u8]>::len);
    Ok(Tokens {
        n_bytes: ids.iter().skip(1).map(n_bytes).sum(),
        ids: ids.iter().map(|&id| id as i32).collect(),
    })
}

/// A measurement that is going on.
struct Measure<'a> {
    model: &'a Model,
    decoder: Decoder,
    context: usize,
    budget: usize,
    progress: ProgressBar,
    sums: Evaluation,
    /// Documents that wait until there are enough tokens for a pass.
    waiting: Vec<Tokens>,
    n_waiting: usize,
}

impl Measure<'_> {
    fn add(&mut self, tokens: Tokens) -> Result<()> {
        self.n_waiting += tokens.n_predicted();
        self.waiting.push(tokens);
        if self.n_waiting >= self.budget { self.pass() } else { Ok(()) }
    }

    fn finish(mut self) -> Result<Evaluation> {
        self.pass()?;
        self.progress.finish_and_clear();
        Ok(self.sums)
    }

    fn pass(&mut self) -> Result<()> {
        let waiting = self.waiting.iter().map(|tokens| (&tokens.ids[..], tokens.n_bytes));
        let sums = evaluate(
            &*self.model.device,
            &self.decoder,
            &*self.model.weights,
            waiting,
            (self.context, self.budget),
            |n_tokens| self.progress.inc(n_tokens as u64),
        )?;
        self.sums += sums;
        self.waiting.clear();
        self.n_waiting = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn only_the_first_path_may_be_a_folder() {
        let (folder, file) = (PathBuf::from("/"), PathBuf::from("a.txt"));
        let given = |paths: &[&Path]| split(paths.iter().map(|path| path.to_path_buf()).collect());
        assert_eq!(given(&[&file, &file]).unwrap(), (None, vec![file.clone(), file.clone()]));
        assert_eq!(given(&[&folder, &file]).unwrap(), (Some(folder.clone()), vec![file.clone()]));
        assert_eq!(given(&[&folder]).unwrap(), (Some(folder.clone()), vec![]));
        assert!(given(&[&file, &folder]).is_err());
    }
}
