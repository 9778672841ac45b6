//! A run folder that explains itself: `README.md`, and the recipe as it was read.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use hadal_model::Size;

use crate::error::{Error, at};
use crate::pack::PackReport;
use crate::recipe::Recipe;
use crate::run::Summary;

const UNFINISHED: &str = "\n## Result\n\nThe run has not come to its end.\n";

/// Writes the card and the recipe's copy of a run that begins, or goes on, on `device`.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn begin(
    recipe: &Recipe,
    device: &str,
    train: &PackReport,
    validation: Option<&PackReport>,
) -> Result<(), Error> {
    let folder = &recipe.output.folder;
    write(&folder.join("recipe.toml"), &recipe.text)?;
    let mut text = story(recipe, device);
    data_card(&mut text, train, validation);
    commands(&mut text, recipe);
    text.push_str(UNFINISHED);
    write(&folder.join("README.md"), &text)
}

/// Adds to the card what came out.
///
/// # Errors
/// When the card cannot be read or written.
pub(crate) fn end(recipe: &Recipe, summary: &Summary) -> Result<(), Error> {
    let path = recipe.output.folder.join("README.md");
    let mut text = fs::read_to_string(&path).map_err(at(&path))?;
    // What a person wrote into the card since stays.
    if let Some(begins) = text.find(UNFINISHED) {
        text.replace_range(begins..begins + UNFINISHED.len(), "");
    }
    line(&mut text, "\n## Result\n");
    line(&mut text, format_args!("- {} steps, training loss {:.4}", summary.steps, summary.loss));
    if let Some(bits) = summary.validation_bits_per_byte {
        line(&mut text, format_args!("- {bits:.4} bits per byte of the validation documents"));
    }
    let model = summary.checkpoint.file_name().unwrap_or_default().display();
    line(&mut text, format_args!("- the model is `{model}`"));
    write(&path, &text)
}

/// What run this is.
fn story(recipe: &Recipe, device: &str) -> String {
    let (size, model) = (Size::of(&recipe.model), &recipe.model);
    let mut text = format!("# A training run: {}\n\n", name(&recipe.path));
    line(&mut text, "| | |\n|---|---|");
    let mut row = |what: &str, value: String| line(&mut text, format_args!("| {what} | {value} |"));
    row("recipe", format!("`{}`; `recipe.toml` is a copy", recipe.path.display()));
    row("hadal", env!("CARGO_PKG_VERSION").to_owned());
    row("device", device.to_owned());
    row("architecture", format!("`{}`, {} layers", model.model_type.name(), model.n_layers));
    let [total, active] = [size.total, size.active].map(grouped);
    row("parameters", format!("{total}, {active} active for one token"));
    if let Some(mixture) = &model.mixture {
        let (n_experts, n_active) = (mixture.router.n_experts, mixture.router.n_active);
        let n_shared = mixture.n_shared;
        row("experts", format!("{n_experts} routed, {n_active} active, {n_shared} shared"));
    }
    let tokens = grouped(recipe.batch.tokens());
    row("plan", format!("{} steps of {tokens} tokens", recipe.schedule.steps));
    row("seed", recipe.seed.to_string());
    text
}

/// What the documents hold, and what was left out of them.
fn data_card(text: &mut String, train: &PackReport, validation: Option<&PackReport>) {
    line(text, "\n## Data\n\n| set | documents | tokens | bytes of text |\n|---|---|---|---|");
    for (set, report) in [("training", Some(train)), ("validation", validation)] {
        let Some(report) = report else { continue };
        let counts = [report.n_documents, report.n_tokens, report.n_bytes].map(grouped);
        line(text, format_args!("| {set} | {} |", counts.join(" | ")));
    }
    line(text, "\n| training documents | |\n|---|---|");
    for (licence, n) in &train.kept_by_licence {
        let licence = if licence.is_empty() { "no licence stated" } else { licence };
        line(text, format_args!("| kept: {} | {} |", cell(licence), grouped(*n)));
    }
    for (reason, n) in &train.dropped_by_reason {
        line(text, format_args!("| left out: {} | {} |", cell(reason), grouped(*n)));
    }
}

/// How to go on from here.
fn commands(text: &mut String, recipe: &Recipe) {
    let folder = recipe.output.folder.display();
    let model = format!("{folder}/checkpoint-{:07}", recipe.schedule.steps);
    let validation = recipe.data.validation.first();
    let documents = validation.map_or("FILE".to_owned(), |path| path.display().to_string());
    line(text, "\n## Commands\n\nFrom the folder where the run was started:\n\n```sh");
    let path = recipe.path.display();
    line(text, format_args!("hadal train {path} --resume  # go on from the newest checkpoint"));
    line(text, format_args!("hadal train plot {folder}  # curves and router maps"));
    line(text, format_args!("hadal eval {model} {documents}"));
    line(text, format_args!("hadal chat {model}\n```"));
}

/// What a recipe is called: its file, or its folder where the file is just called recipe.
fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name);
    folder.filter(|_| stem == "recipe").unwrap_or(stem).to_string_lossy().into_owned()
}

fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    groups.join(",")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn line(text: &mut String, line: impl std::fmt::Display) {
    writeln!(text, "{line}").expect("a string takes any text");
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_read_well() {
        for (n, expected) in [(7, "7"), (999, "999"), (1000, "1,000"), (20_961_124, "20,961,124")] {
            assert_eq!(grouped(n), expected);
        }
        assert_eq!(name(Path::new("recipes/hadal-nano/recipe.toml")), "hadal-nano");
        assert_eq!(name(Path::new("deep.toml")), "deep");
        assert_eq!(name(Path::new("recipe.toml")), "recipe");
    }
}
