//! The tensors of a model, by their published names.

use hadal_tensor::Tensor;

use crate::config::{AttentionConfig, Config};
use crate::weights::{EMBEDDING, LATENT_UP, ResidentWeights, has_absorbed_key};

/// One tensor of a model, by its published name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As in the published checkpoints.
    pub name: String,
    /// Shape.
    pub dims: Vec<usize>,
}

impl Parameter {
    /// Whether gradients train it; the selection bias follows a rule of its own.
    pub fn is_trained(&self) -> bool {
        !self.name.ends_with("e_score_correction_bias")
    }

    /// Whether it is added to the output of a projection.
    pub fn is_bias(&self) -> bool {
        self.name.ends_with(".bias")
    }

    /// Whether it is a matrix, which weight decay and random initialisation are for.
    pub fn is_matrix(&self) -> bool {
        self.dims.len() > 1
    }

    /// The layer it belongs to, if any.
    pub fn layer(&self) -> Option<usize> {
        self.name.strip_prefix("model.layers.")?.split('.').next()?.parse().ok()
    }

    /// Whether it belongs to the layer that predicts the token after next.
    pub fn is_of_predict_layer(&self, config: &Config) -> bool {
        self.name.starts_with(&config.predict_layer_prefix())
    }

    /// Whether it is the embedding.
    pub fn is_embedding(&self) -> bool {
        self.name == EMBEDDING
    }

    /// Whether it belongs to a routed expert.
    pub fn is_routed_expert(&self) -> bool {
        self.name.contains(".mlp.experts.")
    }

    /// What share of it decoding reads: of the projection from the latent the half for values, where
    /// the half for keys is stored in its transposed form too.
    pub fn share_in_decoding(&self, config: &Config) -> f64 {
        match config.attention {
            AttentionConfig::Latent { nope, value, .. }
                if has_absorbed_key(config)
                    && self.name.ends_with(&format!("{LATENT_UP}.weight")) =>
            {
                value as f64 / (nope + value) as f64
            }
            _ => 1.0,
        }
    }
}

/// Every tensor of a model, in the order of the forward pass, with nothing said twice.
pub fn parameters(config: &Config) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    let nothing = Tensor::from_slice::<f32>(&[], &[0]);
    let mut note = |name: &str, dims: &[usize]| {
        let parameter = Parameter { name: name.to_owned(), dims: dims.to_vec() };
        if !config.tied_embeddings || !parameters.contains(&parameter) {
            parameters.push(parameter);
        }
        Ok(nothing.clone())
    };
    ResidentWeights::assemble(config, &mut note).expect("noting a name cannot fail");
    parameters
}

#[cfg(test)]
mod tests {
    use hadal_tensor::{DType, Packing};
    use serde_json::json;

    use super::*;

    #[test]
    fn decoding_reads_half_of_what_is_stored_transposed_too() {
        let plain = Config::from_value(json!({
            "model_type": "deepseek_v3", "vocab_size": 100, "hidden_size": 32,
            "num_hidden_layers": 2, "num_attention_heads": 2, "kv_lora_rank": 32,
            "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 24,
            "intermediate_size": 64, "max_position_embeddings": 128
        }))
        .expect("it is sound");
        let packing = Packing::new(4, 32).expect("there are groups of 32");
        let packed = Config { packed: Some(DType::Packed(packing)), ..plain.clone() };
        let in_part = |config: &Config| -> Vec<(String, f64)> {
            let shares = parameters(config).into_iter();
            let shares = shares.map(|p| (p.share_in_decoding(config), p.name));
            shares.filter(|(share, _)| *share != 1.0).map(|(share, name)| (name, share)).collect()
        };
        assert_eq!(in_part(&plain), []);
        let name = |layer| format!("model.layers.{layer}.self_attn.kv_b_proj.weight");
        assert_eq!(in_part(&packed), [(name(0), 0.75), (name(1), 0.75)]);
    }
}
