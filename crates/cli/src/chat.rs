//! `hadal chat`: a conversation, in the terminal or from a pipe.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use clap::Args;
use hadal_engine::{Engine, FinishReason, Generation, Sampling};
use hadal_model::Size;

use crate::arguments::{ModelArgs, SamplingArgs};
use crate::conversation::Conversation;
use crate::failure::sentence;
use crate::generate::explain;
use crate::interruption::SIGNALLED;
use crate::lines::Lines;
use crate::open::{Model, Source};
use crate::output::{count, print_now};

const HELP: &str = "\
/reset   forget the conversation
/quit    leave; so does Ctrl-D
/help    show this
Ctrl-C   stop the answer";

/// Talk with a model.
#[derive(Args)]
pub(crate) struct ChatArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// What the model is told before the conversation.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    #[command(flatten)]
    options: SamplingArgs,
}

/// A conversation with one model.
struct Chat {
    model: Model,
    engine: Engine,
    conversation: Conversation,
    options: SamplingArgs,
    sampling: Sampling,
    /// Set by Ctrl-C, and while there is nothing to interrupt.
    is_interrupted: Arc<AtomicBool>,
}

pub(crate) fn run(args: ChatArgs) -> Result<()> {
    let ChatArgs { model, system, options } = args;
    let sampling = options.sampling();
    // What cannot be asked is said before the first line is typed.
    options.request(vec![0], sampling.clone())?;
    let model = Model::open(&model)?;
    let engine = model.engine(options.context, options.draft)?;
    let conversation = Conversation::new(engine.tokenizer(), system.clone());
    let mut lines = Lines::open()?;
    let is_interrupted = Arc::new(AtomicBool::new(true));
    if lines.are_typed() {
        eprintln!("{}", greeting(&model));
        let flag = Arc::clone(&is_interrupted);
        // What interrupts no answer ends the program: SIGTERM at the prompt, or a second Ctrl-C.
        let interrupt = move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(SIGNALLED);
            }
        };
        ctrlc::set_handler(interrupt).context("Ctrl-C")?;
    }
    if matches!(conversation, Conversation::Text(_)) {
        eprintln!("This model has no chat template; it continues what you write.");
    }
    let mut chat = Chat { model, engine, conversation, options, sampling, is_interrupted };
    while let Some(line) = lines.next()? {
        match line.trim() {
            "" => {}
            "/quit" | "/exit" => break,
            "/help" => eprintln!("{HELP}"),
            "/reset" => {
                chat.conversation = Conversation::new(chat.engine.tokenizer(), system.clone());
                eprintln!("The conversation is forgotten.");
            }
            command if command.starts_with('/') => {
                eprintln!("{command} is not a command; /help lists them");
            }
            _ => match chat.answer(&line) {
                // A person can ask something else; a script should know.
                Err(error) if lines.are_typed() => eprintln!("{}", sentence(&error)),
                result => result?,
            },
        }
    }
    Ok(())
}

fn greeting(model: &Model) -> String {
    let size = Size::of(model.config());
    let place = match &model.source {
        Source::BuiltIn => "the model inside hadal".to_owned(),
        Source::Folder(path) | Source::Gguf(path) => format!("from {}", path.display()),
    };
    // Models below a billion parameters chat, but know little.
    let warning = match size.total < 1_000_000_000 {
        true => " It is a small model: expect short answers, and mistakes.",
        false => "",
    };
    format!(
        "Hello! This is {}, {place}: {} parameters, {} of them active for each token.{warning} \
         /help lists commands.",
        model.source.name(),
        count(size.total),
        count(size.active),
    )
}

impl Chat {
    /// Answers one line, showing the text as it comes.
    fn answer(&mut self, line: &str) -> Result<()> {
        self.conversation.ask(line);
        let generation = match self.generate() {
            Ok(generation) => generation,
            Err(error) => {
                self.conversation.take_back(line);
                return Err(error);
            }
        };
        print_now("\n")?;
        match generation.reason {
            FinishReason::Length => eprintln!("(stopped after {} tokens)", self.options.max_tokens),
            FinishReason::ContextFull => eprintln!("(stopped: the context is full)"),
            FinishReason::Cancelled => eprintln!("(stopped)"),
            FinishReason::EndOfText | FinishReason::Stop(_) => {}
        }
        self.conversation.answer(&generation.text);
        // Another answer to the same words should differ.
        self.sampling.seed = self.sampling.seed.wrapping_add(1);
        Ok(())
    }

    fn generate(&mut self) -> Result<Generation> {
        let capacity = self.engine.capacity();
        // The answer gets its room, but at most half of what there is.
        let room = capacity - (self.options.max_tokens as usize).min(capacity / 2);
        let (prompt, has_forgotten) = self.conversation.prompt(self.engine.tokenizer(), room)?;
        if has_forgotten {
            eprintln!("(the beginning of the conversation no longer fits and is forgotten)");
        }
        let request = self.options.request(prompt, self.sampling.clone())?;
        self.is_interrupted.store(false, Ordering::Relaxed);
        let mut printed = Ok(());
        let generation = self.engine.generate(request, |event| {
            printed = print_now(event.text());
            if printed.is_err() || self.is_interrupted.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        self.is_interrupted.store(true, Ordering::Relaxed);
        printed?;
        generation.map_err(|error| explain(error, &self.model))
    }
}
