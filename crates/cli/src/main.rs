//! The program `hadal`: the one place that chooses and connects. It must never know how anything
//! works.
//!
//! Each command is a file. A command that fails says why in one sentence on standard error and
//! exits with 1, or with 2 when it was asked for what cannot be.

#![forbid(unsafe_code)]

mod arguments;
mod bench;
mod builtin;
mod chat;
mod conversation;
mod corpus;
mod eval;
mod export;
mod failure;
mod generate;
mod gguf;
mod inspect;
mod interruption;
mod lines;
mod logits;
mod machine;
mod open;
mod output;
mod pack;
mod tokenizer;
mod topology;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One program for the whole life of a DeepSeek-style sparse mixture-of-experts language model.
///
/// MODEL is a Hugging Face folder (config.json, safetensors, tokenizer.json), a GGUF file, or
/// nothing: the small model that ships inside this program.
#[derive(Parser)]
#[command(name = "hadal", version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Talk with a model in the terminal.
    Chat(chat::ChatArgs),
    /// Continue a text.
    Generate(generate::GenerateArgs),
    /// Say what a model is: sizes, memory, layers; and where a text goes in it.
    Inspect(inspect::InspectArgs),
    /// Measure how well a model predicts documents, and how it fares on tasks.
    Eval(eval::EvalArgs),
    /// Write a model's folder with its weights in another number format.
    Export(export::ExportArgs),
    /// Write a model's folder in the layout that this program computes with, 4 to 8 bits a weight.
    Pack(pack::PackArgs),
    /// Write the scores of every next token to a file, to compare with another implementation.
    Logits(logits::LogitsArgs),
    /// Train and use tokenizers.
    #[command(subcommand)]
    Tokenizer(tokenizer::TokenizerCommand),
    Corpus(corpus::CorpusArgs),
    Train(train::TrainArgs),
    Bench(bench::BenchArgs),
}

fn main() -> ExitCode {
    let result = match Program::parse().command {
        Command::Chat(args) => chat::run(args),
        Command::Generate(args) => generate::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Export(args) => export::run(args),
        Command::Pack(args) => pack::run(args),
        Command::Logits(args) => logits::run(args),
        Command::Tokenizer(command) => tokenizer::run(command),
        Command::Corpus(args) => corpus::run(args),
        Command::Train(args) => train::run(args),
        Command::Bench(args) => bench::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
