//! Where models and devices are opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use hadal_cpu::Cpu;
use hadal_engine::Engine;
use hadal_model::{Checkpoint, Config, Decoder, ResidentWeights};
use hadal_tensor::{Backend, Differentiable, Reference};
use hadal_tokenizer::Tokenizer;
use hadal_train::Precision;

use crate::arguments::{DeviceArgs, DeviceKind, DraftKind, ModelArgs};
use crate::builtin;
use crate::failure::usage;
use crate::gguf;

/// Room for prompt and answer where the model has more and nothing was asked: a cache that fits
/// beside the weights.
const DEFAULT_CONTEXT: usize = 4096;

/// Where a model comes from.
pub(crate) enum Source {
    BuiltIn,
    Folder(PathBuf),
    Gguf(PathBuf),
}

impl Source {
    /// The folder or GGUF file given, or else the model inside the program.
    pub(crate) fn of(folder: Option<&Path>) -> Result<Source> {
        let Some(folder) = folder else { return Ok(Source::BuiltIn) };
        if gguf::is_named(folder) && !folder.is_dir() {
            return Ok(Source::Gguf(folder.to_path_buf()));
        }
        if !folder.is_dir() {
            bail!(
                "there is no model folder {}; a model is a Hugging Face folder with config.json, \
                 model.safetensors and tokenizer.json, or a GGUF file",
                folder.display()
            );
        }
        Ok(Source::Folder(folder.to_path_buf()))
    }

    /// The name to call it by.
    pub(crate) fn name(&self) -> String {
        match self {
            Source::BuiltIn => builtin::NAME.to_owned(),
            Source::Gguf(file) => {
                file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
            }
            Source::Folder(folder) => {
                let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned()
            }
        }
    }

    /// Its configuration and tensors.
    pub(crate) fn checkpoint(&self) -> Result<Checkpoint> {
        match self {
            Source::BuiltIn => builtin::checkpoint(),
            Source::Folder(path) | Source::Gguf(path) => Ok(Checkpoint::open(path)?),
        }
    }

    /// Its tokenizer, which not every command needs.
    pub(crate) fn tokenizer(&self) -> Result<Tokenizer> {
        match self {
            Source::BuiltIn => builtin::tokenizer(),
            Source::Folder(folder) => Ok(Tokenizer::from_folder(folder)?),
            Source::Gguf(file) => gguf::tokenizer(file),
        }
    }
}

impl DeviceArgs {
    /// The device that was chosen.
    pub(crate) fn open(&self) -> Result<Arc<dyn Differentiable>> {
        self.open_for(Precision::F32)
    }

    /// The device that was chosen, multiplying with `precision` where it can.
    pub(crate) fn open_for(&self, precision: Precision) -> Result<Arc<dyn Differentiable>> {
        if self.device == DeviceKind::Reference {
            return match self.threads {
                None => Ok(Arc::new(Reference)),
                Some(_) => Err(usage(
                    "--threads is for --device cpu; the reference device uses one thread",
                )),
            };
        }
        let cpu = self.threads.map_or_else(Cpu::detect, |n| Cpu::new(usize::from(n)));
        Ok(Arc::new(match precision {
            Precision::F32 => cpu,
            Precision::Bf16 => cpu.with_bf16_products(),
        }))
    }
}

/// A model with its weights, on a device.
pub(crate) struct Model {
    pub(crate) source: Source,
    pub(crate) device: Arc<dyn Backend>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) weights: Arc<ResidentWeights>,
}

impl Model {
    /// Opens the model and the device that were chosen. Blocks are packed for the kernels.
    pub(crate) fn open(args: &ModelArgs) -> Result<Model> {
        Model::open_with(args, Checkpoint::packed_in_memory)
    }

    /// As [`Model::open`], with the weights as they are stored: products with blocks then round
    /// nothing, and take long.
    pub(crate) fn open_as_stored(args: &ModelArgs) -> Result<Model> {
        Model::open_with(args, |checkpoint| checkpoint)
    }

    fn open_with(args: &ModelArgs, prepare: impl Fn(Checkpoint) -> Checkpoint) -> Result<Model> {
        let source = Source::of(args.model.as_deref())?;
        let device = args.device.open()?;
        let checkpoint = prepare(source.checkpoint()?);
        let weights = Arc::new(checkpoint.weights());
        Ok(Model { source, device, checkpoint, weights })
    }

    /// The model's facts.
    pub(crate) fn config(&self) -> &Config {
        &self.checkpoint.config
    }

    /// The forward pass for texts of up to `n_positions` tokens, or what the model can take.
    pub(crate) fn decoder(&self, n_positions: usize) -> Decoder {
        let n_positions = n_positions.min(self.config().max_positions);
        Decoder::new(self.config().clone(), &*self.device, n_positions)
    }

    /// An engine with its tokenizer and room for `context` tokens, which drafts as it is told.
    pub(crate) fn engine(&self, context: Option<usize>, draft: DraftKind) -> Result<Engine> {
        let context = self.context(context, DEFAULT_CONTEXT)?;
        let weights = Arc::<ResidentWeights>::clone(&self.weights);
        let device = Arc::clone(&self.device);
        let tokenizer = Arc::new(self.source.tokenizer()?);
        let engine = Engine::new(self.decoder(context), weights, device, tokenizer, context)?;
        let Some(draft) = draft.draft() else { return Ok(engine) };
        let start = Instant::now();
        Ok(engine.with_drafts(draft, Box::new(move || start.elapsed()))?)
    }

    /// The context asked for, or the model's own up to `default`.
    pub(crate) fn context(&self, asked: Option<usize>, default: usize) -> Result<usize> {
        let most = self.config().max_positions;
        match asked {
            None => Ok(most.min(default)),
            Some(context) if (1..=most).contains(&context) => Ok(context),
            Some(context) => {
                Err(usage(format!("--context is {context}; this model takes from 1 to {most}")))
            }
        }
    }

    /// Why the model's scores are not finite: the tensor at fault, where it is in the weights.
    pub(crate) fn why_not_finite(&self) -> anyhow::Error {
        match self.checkpoint.check_finite() {
            Err(error) => error.into(),
            Ok(()) => anyhow!("the model's numbers grow beyond what can be represented"),
        }
    }
}
