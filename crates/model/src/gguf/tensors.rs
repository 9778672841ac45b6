//! From the tensors of a GGUF file to those of a model, by their published names.
//!
//! Nothing is copied that can be read where it lies: the experts of a layer are views of one
//! tensor. What is stored in another order (the split projection from the latent, the rows of
//! queries and keys) is put back in order in memory of its own.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use hadal_tensor::{DType, HostBuffer, Memory, Tensor};

use super::architecture::Architecture;
use super::error::GgufError;
use super::header::TensorInfo;
use super::names::{LatentHalf, Role, role};
use super::rows;
use crate::config::{AttentionConfig, Config};
use crate::latent_halves::LatentSizes;

/// More than any published model has; each becomes a tensor of its own.
const MOST_EXPERTS: usize = 1 << 14;

/// The tensors of one model, as they are gathered from its files.
pub(super) struct Gathered {
    tensors: HashMap<String, Tensor>,
    halves: BTreeMap<usize, Vec<(LatentHalf, Tensor)>>,
    rope_divisors: Option<Tensor>,
}

impl Gathered {
    pub(super) fn new() -> Self {
        Gathered { tensors: HashMap::new(), halves: BTreeMap::new(), rope_divisors: None }
    }

    /// Takes in a tensor of a file that lies in `memory`.
    pub(super) fn add(
        &mut self,
        info: &TensorInfo<'_>,
        memory: &Arc<dyn Memory>,
        bytes: &[u8],
    ) -> Result<(), GgufError> {
        let tensor = placed(memory, bytes, info.range.clone(), info.dtype, &info.dims);
        match role(info.name) {
            None => return Err(GgufError::UnknownTensor { name: info.name.to_owned() }),
            Some(Role::One(published)) => self.insert(published, tensor)?,
            Some(Role::Repeated) => {}
            Some(Role::RopeDivisors) => self.rope_divisors = Some(tensor),
            Some(Role::LatentHalf { layer, half }) => {
                self.halves.entry(layer).or_default().push((half, tensor));
            }
            Some(Role::Stacked { layer, projections }) => {
                let shape = |expected| GgufError::Shape {
                    name: info.name.to_owned(),
                    found: info.dims.clone(),
                    expected,
                };
                let [n_experts, n_rows, _] = info.dims[..] else {
                    return Err(shape("three dimensions, the first for experts".to_owned()));
                };
                if n_experts > MOST_EXPERTS {
                    return Err(shape(format!("at most {MOST_EXPERTS} experts")));
                }
                let width = n_rows / projections.len();
                if width * projections.len() != n_rows {
                    return Err(shape("an even second dimension".to_owned()));
                }
                for expert in 0..n_experts {
                    let prefix = format!("model.layers.{layer}.mlp.experts.{expert}");
                    for (i, projection) in projections.iter().enumerate() {
                        let start = expert * n_rows + i * width;
                        let view = tensor.row_range(start..start + width);
                        self.insert(format!("{prefix}.{projection}.weight"), view)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn insert(&mut self, published: String, tensor: Tensor) -> Result<(), GgufError> {
        match self.tensors.entry(published) {
            Entry::Vacant(place) => {
                place.insert(tensor);
                Ok(())
            }
            Entry::Occupied(taken) => Err(GgufError::DuplicateTensor { name: taken.key().clone() }),
        }
    }

    /// Rows of the embedding.
    pub(super) fn vocab_size(&self) -> Result<usize, GgufError> {
        let embedding = self.tensors.get("model.embed_tokens.weight").map(Tensor::rows);
        embedding.ok_or_else(|| GgufError::MissingTensor { name: "token_embd.weight".to_owned() })
    }

    /// How many there are, each expert's counted and each half of a projection.
    pub(super) fn n_tensors(&self) -> usize {
        self.tensors.len() + self.halves.values().map(Vec::len).sum::<usize>()
    }

    /// What the frequency of each rotary pair is divided by, where a tensor says so.
    pub(super) fn rope_divisors(&self) -> Option<Vec<f32>> {
        self.rope_divisors.as_ref().map(Tensor::to_f32_vec)
    }

    /// Whether there is no output projection beside the embedding.
    pub(super) fn is_tied(&self) -> bool {
        !self.tensors.contains_key("lm_head.weight")
    }

    /// The tensors that `config` asks for, put in its order.
    pub(super) fn finish(
        mut self,
        config: &Config,
        architecture: &Architecture,
    ) -> Result<HashMap<String, Tensor>, GgufError> {
        for (layer, halves) in std::mem::take(&mut self.halves) {
            let joined = join(config, layer, &halves)?;
            self.insert(format!("model.layers.{layer}.self_attn.kv_b_proj.weight"), joined)?;
        }
        if let (true, AttentionConfig::MultiHead { n_heads, n_kv_heads, .. }) =
            (architecture.has_pairs, config.attention)
        {
            for (name, tensor) in &mut self.tensors {
                for (projection, n_heads) in [(".q_proj.", n_heads), (".k_proj.", n_kv_heads)] {
                    // One of another shape is refused by its name when the model is checked.
                    if name.contains(projection) && tensor.rows().is_multiple_of(2 * n_heads) {
                        *tensor = rows::to_halves(tensor, n_heads);
                    }
                }
            }
        }
        self.add_selection_biases(config);
        Ok(self.tensors)
    }

    /// Models whose router has no bias on the choice leave it out; it is zero then.
    fn add_selection_biases(&mut self, config: &Config) {
        let Some(mixture) = config.mixture.as_ref().filter(|mixture| mixture.selection_bias) else {
            return;
        };
        let n_experts = mixture.router.n_experts;
        for layer in config.n_dense_layers..config.n_layers + config.n_predict_layers {
            let gate = format!("model.layers.{layer}.mlp.gate");
            let router = self.tensors.get(&format!("{gate}.weight"));
            // One of another shape is refused by its name when the model is checked.
            if router.is_some_and(|router| router.rows() == n_experts) {
                self.tensors
                    .entry(format!("{gate}.e_score_correction_bias"))
                    .or_insert_with(|| Tensor::from_slice(&vec![0f32; n_experts], &[n_experts]));
            }
        }
    }
}

/// The whole projection from the latent of one layer.
fn join(
    config: &Config,
    layer: usize,
    halves: &[(LatentHalf, Tensor)],
) -> Result<Tensor, GgufError> {
    let name = |half: LatentHalf| format!("blk.{layer}.{}", half.name());
    let find = |half: LatentHalf| {
        let found = halves.iter().find(|(other, _)| *other == half).map(|(_, tensor)| tensor);
        found.ok_or_else(|| GgufError::MissingTensor { name: name(half) })
    };
    let (keys, values) = (find(LatentHalf::Key)?, find(LatentHalf::Value)?);
    let AttentionConfig::Latent { n_heads, nope, value, kv_rank, .. } = config.attention else {
        return Err(GgufError::UnknownTensor { name: name(LatentHalf::Key) });
    };
    let sizes = LatentSizes { n_heads, nope, value, rank: kv_rank };
    for (half, tensor, dims) in
        [(LatentHalf::Key, keys, sizes.key_dims()), (LatentHalf::Value, values, sizes.value_dims())]
    {
        if tensor.dims() != dims {
            let (found, expected) = (tensor.dims().to_vec(), format!("{dims:?}"));
            return Err(GgufError::Shape { name: name(half), found, expected });
        }
    }
    Ok(sizes.join(keys, values))
}

/// A tensor of the bytes in `range`: where they lie, or copied where their kind of number cannot
/// be read at that address.
fn placed(
    memory: &Arc<dyn Memory>,
    bytes: &[u8],
    range: Range<usize>,
    dtype: DType,
    dims: &[usize],
) -> Tensor {
    let stored = &bytes[range.clone()];
    let alignment = if dtype.is_blocks() { 1 } else { dtype.block_bytes() };
    if stored.as_ptr().addr().is_multiple_of(alignment) {
        return Tensor::from_memory(Arc::clone(memory), range.start, dtype, dims);
    }
    Tensor::from_memory(Arc::new(HostBuffer::from_bytes(stored)), 0, dtype, dims)
}
