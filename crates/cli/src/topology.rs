//! Which experts a text visits.

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use hadal_model::{Batch, Routed};
use serde::Serialize;

use crate::open::Model;

/// The way of a text through the experts, layer by layer.
#[derive(Serialize)]
pub(crate) struct Topology {
    tokens: Vec<Token>,
    layers: Vec<Layer>,
}

#[derive(Serialize)]
struct Token {
    id: u32,
    /// Its bytes as text; those of a part of a character escaped.
    text: String,
}

#[derive(Serialize)]
struct Layer {
    /// Counted from the model's first layer, dense ones included.
    layer: usize,
    /// For each token its experts, best first.
    choices: Vec<Vec<Choice>>,
    /// Tokens that each expert takes, by its number.
    load: Vec<usize>,
    /// Choices that found their expert full.
    n_dropped: usize,
}

#[derive(Serialize)]
struct Choice {
    expert: usize,
    weight: f32,
}

impl Topology {
    /// Runs a text through the model and notes the routers' choices.
    pub(crate) fn of(model: &Model, text: &str) -> Result<Topology> {
        let tokenizer = model.source.tokenizer()?;
        let ids = tokenizer.encode(text, true)?;
        let batch = Batch::of_texts([&ids[..]])?;
        let decoder = model.decoder(ids.len());
        let output = decoder.forward(&*model.device, &*model.weights, &batch, None)?;
        let layers = (model.config().n_dense_layers..)
            .zip(&output.routed)
            .map(|(layer, Routed { routing, .. })| {
                let [indices, weights] =
                    [&routing.indices, &routing.weights].map(|t| model.device.download(t));
                let offsets = model.device.download(&routing.offsets);
                let choices = (0..indices.rows())
                    .map(|token| {
                        let experts = indices.matrix::<i32>().row(token);
                        let weights = weights.matrix::<f32>().row(token);
                        let pairs = experts.iter().zip(weights);
                        pairs.map(|(&e, &weight)| Choice { expert: e as usize, weight }).collect()
                    })
                    .collect();
                let load =
                    offsets.as_slice::<i32>().windows(2).map(|w| (w[1] - w[0]) as usize).collect();
                Layer { layer, choices, load, n_dropped: routing.n_dropped() }
            })
            .collect();
        let tokens = ids
            .iter()
            .map(|&id| {
                let bytes = tokenizer.token_bytes(id).unwrap_or_default();
                let text = str::from_utf8(bytes).map(str::to_owned);
                Token { id, text: text.unwrap_or_else(|_| bytes.escape_ascii().to_string()) }
            })
            .collect();
        Ok(Topology { tokens, layers })
    }

    /// The choices of each layer as a table, then the load of all layers.
    pub(crate) fn tables(&self) -> String {
        if self.layers.is_empty() {
            return "This model has no experts to choose from.\n".to_owned();
        }
        let mut text = String::new();
        for layer in &self.layers {
            text.push_str(&format!("\nlayer {}: expert and weight, best first\n", layer.layer));
            text.push_str(&self.choices(layer));
        }
        text.push_str("\nload: experts visited, each with its number of tokens\n");
        text.push_str(&self.load());
        text
    }

    fn choices(&self, layer: &Layer) -> String {
        let n_active = layer.choices.first().map_or(0, Vec::len);
        let mut table = plain_table();
        let ranks = (1..=n_active).map(|rank| format!("choice {rank}"));
        table.set_header(std::iter::once("token".to_owned()).chain(ranks));
        for (token, choices) in self.tokens.iter().zip(&layer.choices) {
            let cells = choices.iter().map(|c| format!("{:>3}  {:.3}", c.expert, c.weight));
            // Line ends would break the row.
            let text = token.text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
            table.add_row(std::iter::once(format!("\"{text}\"")).chain(cells));
        }
        format!("{table}\n")
    }

    fn load(&self) -> String {
        let mut table = plain_table();
        table.set_header(["layer", "visited", "expert × tokens, most first"]);
        for Layer { layer, load, n_dropped, .. } in &self.layers {
            let mut visited: Vec<(usize, usize)> =
                load.iter().copied().enumerate().filter(|(_, n)| *n > 0).collect();
            visited.sort_by_key(|&(expert, n)| (std::cmp::Reverse(n), expert));
            let mut list: Vec<String> =
                visited.iter().map(|(expert, n)| format!("{expert}×{n}")).collect();
            if *n_dropped > 0 {
                list.push(format!("and {n_dropped} dropped"));
            }
            let share = format!("{} of {}", visited.len(), load.len());
            table.add_row([layer.to_string(), share, list.join(" ")]);
        }
        format!("{table}\n")
    }
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table
}
