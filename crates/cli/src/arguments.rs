//! Options that several commands share.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hadal_engine::{Draft, Error, Request, Sampling};

/// Which model, and what computes it.
#[derive(Args)]
pub(crate) struct ModelArgs {
    /// A Hugging Face folder or a GGUF file; the model inside hadal where not given.
    #[arg(value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
}

/// What computes.
#[derive(Args)]
pub(crate) struct DeviceArgs {
    /// What computes: this machine's processor, or the slow plain loops that define each operation.
    #[arg(long, value_enum, default_value_t = DeviceKind::Cpu)]
    pub(crate) device: DeviceKind,
    /// Threads of the processor; all cores where not given. With all of them, on Linux, each of
    /// its threads keeps to one core; with fewer the system places them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceKind {
    Cpu,
    Reference,
}

/// How tokens are chosen, and when to end.
#[derive(Args)]
#[command(next_help_heading = "Sampling", allow_negative_numbers = true)]
pub(crate) struct SamplingArgs {
    /// Divides the scores; 0 takes the best token every time.
    #[arg(long, value_name = "T", default_value_t = 0.7)]
    temperature: f32,
    /// Choose among this many best tokens; 0 for all.
    #[arg(long, value_name = "K", default_value_t = 0)]
    top_k: usize,
    /// Choose among the fewest best tokens that have this probability together.
    #[arg(long, value_name = "P", default_value_t = 0.95)]
    top_p: f32,
    /// Choose among tokens with at least this fraction of the best one's probability.
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    min_p: f32,
    /// Makes tokens that are in the text already less likely; 1 changes nothing.
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    repetition_penalty: f32,
    /// The same seed gives the same text; another each time where not given.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// End after this many tokens.
    #[arg(long, value_name = "N", default_value_t = 512)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: u32,
    /// End before this text; may be given several times.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Room for prompt and answer together, in tokens; the model's, at most 4096, where not given.
    #[arg(long, value_name = "N")]
    pub(crate) context: Option<usize>,
    /// How the next tokens are guessed, so that several come at once where the guess is right; the
    /// text is the same with each.
    #[arg(long, value_enum, default_value_t = DraftKind::Auto)]
    pub(crate) draft: DraftKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DraftKind {
    /// Not at all.
    None,
    /// From what followed the last tokens when they came before.
    Lookup,
    /// By the model's layer that predicts the token after next.
    MultiToken,
    /// By lookup, else by the layer where the model has one; each while it pays.
    Auto,
}

impl DraftKind {
    /// As the engine knows it.
    pub(crate) fn draft(self) -> Option<Draft> {
        match self {
            DraftKind::None => None,
            DraftKind::Lookup => Some(Draft::Lookup),
            DraftKind::MultiToken => Some(Draft::MultiToken),
            DraftKind::Auto => Some(Draft::Auto),
        }
    }
}

impl SamplingArgs {
    /// The rules, with a seed drawn where none was given.
    pub(crate) fn sampling(&self) -> Sampling {
        Sampling {
            repetition_penalty: self.repetition_penalty,
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            // The standard library keys its hashes at random; 32 bits are easy to type again.
            seed: self.seed.unwrap_or_else(|| RandomState::new().hash_one(()) >> 32),
        }
    }

    /// A request to continue `prompt` by the rules `sampling`.
    pub(crate) fn request(&self, prompt: Vec<u32>, sampling: Sampling) -> Result<Request, Error> {
        Request::new(prompt, self.max_tokens as usize, sampling, self.stop.clone())
    }
}

impl DeviceArgs {
    /// How many threads compute.
    pub(crate) fn n_threads(&self) -> usize {
        match (self.device, self.threads) {
            (DeviceKind::Reference, _) => 1,
            (DeviceKind::Cpu, Some(n)) => usize::from(n),
            (DeviceKind::Cpu, None) => std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}
