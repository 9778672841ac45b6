//! `hadal generate`: continues a text.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use hadal_engine::{Error, Event, FinishReason, Generation};
use serde::Serialize;

use crate::arguments::{ModelArgs, SamplingArgs};
use crate::failure::usage;
use crate::open::Model;
use crate::output::{print_json, print_now};

/// Continue a text.
#[derive(Args)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// The text to continue; standard input where neither this nor --prompt-file is given.
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_file")]
    prompt: Option<String>,
    /// A file with the text to continue; - for standard input.
    #[arg(long, value_name = "FILE")]
    prompt_file: Option<PathBuf>,
    /// Print one JSON document at the end instead of the text as it comes.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sampling: SamplingArgs,
}

#[derive(Serialize)]
struct Report<'a> {
    text: &'a str,
    ids: &'a [u32],
    finish_reason: &'static str,
    stop: Option<&'a str>,
    usage: UsageReport,
    prompt_tokens_per_second: f64,
    tokens_per_second: f64,
    seed: u64,
    device: String,
}

#[derive(Serialize)]
struct UsageReport {
    prompt_tokens: usize,
    generated_tokens: usize,
    total_tokens: usize,
    drafted_tokens: usize,
    accepted_tokens: usize,
}

/// When the prompt was done and when the last token came.
struct Clock {
    start: Instant,
    prompt: Option<Duration>,
}

impl Clock {
    fn start() -> Clock {
        Clock { start: Instant::now(), prompt: None }
    }

    /// The first token comes with the end of the prompt.
    fn tell(&mut self, event: &Event) {
        if matches!(event, Event::Token { .. }) {
            self.prompt.get_or_insert_with(|| self.start.elapsed());
        }
    }

    /// Tokens per second of the prompt, and of the answer after its first token.
    fn speeds(&self, generation: &Generation) -> (f64, f64) {
        let prompt = self.prompt.unwrap_or_default();
        let answer = self.start.elapsed().saturating_sub(prompt);
        let speed =
            |n_tokens: usize, time: Duration| n_tokens as f64 / time.as_secs_f64().max(1e-9);
        let usage = generation.usage;
        let n_after_first = usage.n_generated.saturating_sub(1);
        (speed(usage.n_prompt - usage.n_reused, prompt), speed(n_after_first, answer))
    }
}

pub(crate) fn run(args: GenerateArgs) -> Result<()> {
    let options = &args.sampling;
    let sampling = options.sampling();
    let seed = sampling.seed;
    // What cannot be asked is said before anything is read.
    options.request(vec![0], sampling.clone())?;
    let text = prompt(&args)?;
    let model = Model::open(&args.model)?;
    let mut engine = model.engine(options.context, options.draft)?;
    let ids = engine.tokenizer().encode(&text, true)?;
    let request = options.request(ids, sampling)?;

    let mut clock = Clock::start();
    let mut printed = Ok(());
    let generation = engine.generate(request, |event| {
        clock.tell(event);
        if !args.json {
            printed = print_now(event.text());
        }
        if printed.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    printed?;
    let generation = generation.map_err(|error| explain(error, &model))?;
    let (prompt_tokens_per_second, tokens_per_second) = clock.speeds(&generation);
    let usage = generation.usage;
    if args.json {
        return print_json(&Report {
            text: &generation.text,
            ids: &generation.ids,
            finish_reason: generation.reason.name(),
            stop: match &generation.reason {
                FinishReason::Stop(stop) => Some(stop),
                _ => None,
            },
            usage: UsageReport {
                prompt_tokens: usage.n_prompt,
                generated_tokens: usage.n_generated,
                total_tokens: usage.n_prompt + usage.n_generated,
                drafted_tokens: usage.n_drafted,
                accepted_tokens: usage.n_accepted,
            },
            prompt_tokens_per_second,
            tokens_per_second,
            seed,
            device: model.device.name(),
        });
    }
    print_now("\n")?;
    if io::stderr().is_terminal() {
        eprintln!(
            "({} tokens, {tokens_per_second:.0} a second; ended by {}; seed {seed})",
            usage.n_generated,
            generation.reason.name().replace('_', " "),
        );
    }
    Ok(())
}

/// The text to continue.
fn prompt(args: &GenerateArgs) -> Result<String> {
    match (&args.prompt, &args.prompt_file) {
        (Some(text), _) => Ok(text.clone()),
        (None, Some(path)) if path.as_os_str() != "-" => {
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
        }
        (None, None) if io::stdin().is_terminal() => Err(usage(
            "there is no text to continue; give --prompt TEXT, --prompt-file FILE, or a pipe",
        )),
        _ => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).context("reading standard input")?;
            Ok(text)
        }
    }
}

/// The error to show: scores that are not finite are traced to the weights.
pub(crate) fn explain(error: Error, model: &Model) -> anyhow::Error {
    match error {
        Error::NotFinite => model.why_not_finite(),
        error => error.into(),
    }
}
