//! From a checkpoint of any format to one in the packed layout.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hadal_tensor::{DType, HostBuffer, Memory, Packing, Q8_BLOCK, Tensor};

use crate::checkpoint::Checkpoint;
use crate::config::{AttentionConfig, Config};
use crate::error::Error;
use crate::latent_halves::LatentSizes;
use crate::parameter::{Parameter, parameters};
use crate::safetensors_writer::{StoredTensor, sort_onto_lines, write_in_parts};
use crate::stored::{convert, stored_as};
use crate::weights::{ABSORBED_KEY, LATENT_UP};

/// Tensors that are packed at once, for each thread: few enough that a model larger than memory is
/// written, and enough that no thread waits for long.
const AT_ONCE: usize = 8;

impl Checkpoint {
    /// The configuration of this model in the packed layout.
    pub fn packed_config(&self, packing: Packing) -> Config {
        let dtype = DType::Packed(packing);
        let json = self.config.json_stored_as(dtype);
        Config { packed: Some(dtype), json, ..self.config.clone() }
    }

    /// Writes the weights to `path` in the packed layout, a few at a time; `on_part` is told how
    /// many of how many parameters are done. Weights are rounded to nearest.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_packed(
        &self,
        packing: Packing,
        path: &Path,
        mut on_part: impl FnMut(usize, usize),
    ) -> Result<(), Error> {
        let stored = self.stored_by(&self.packed_config(packing), |name, dims, own| {
            stored_as(name, dims, own, DType::Packed(packing))
        });
        let n_all: usize = stored.iter().map(|t| t.dims.iter().product::<usize>()).sum();
        let mut n_done = 0;
        write_in_parts(path, stored, AT_ONCE * n_threads(), |part| {
            let packed =
                in_parallel(part, |tensor| convert(&self.or_absorbed(&tensor.name), tensor.dtype));
            n_done += packed.iter().map(Tensor::len).sum::<usize>();
            on_part(n_done, n_all);
            packed
        })
    }

    /// The same model with every matrix of blocks in the packed layout, in memory, at the levels that
    /// the blocks have. Plain matrices stay as they are, and so does a model without blocks.
    pub fn packed_in_memory(self) -> Checkpoint {
        if !self.tensors().any(|(_, tensor)| tensor.dtype().is_blocks()) {
            return self;
        }
        let config = self.packed_config(eight_bits());
        let (packed, plain): (Vec<_>, Vec<_>) = self
            .stored_by(&config, in_memory)
            .into_iter()
            .partition(|tensor| matches!(tensor.dtype, DType::Packed(_)));
        let mut tensors: HashMap<String, Tensor> = in_parallel(&plain, |tensor| {
            (tensor.name.clone(), convert(&self.or_absorbed(&tensor.name), tensor.dtype))
        })
        .into_iter()
        .collect();
        tensors.extend(self.in_one_piece(packed));
        Checkpoint::of_checked(config, tensors)
    }

    /// The parameters of `config` in the formats that `format` gives for their names, their shapes
    /// and the formats they have now.
    fn stored_by(
        &self,
        config: &Config,
        format: impl Fn(&str, &[usize], DType) -> DType,
    ) -> Vec<StoredTensor> {
        let stored = |Parameter { name, dims }: Parameter| {
            let own = self.tensor(&name).map_or(DType::Bf16, Tensor::dtype);
            StoredTensor { dtype: format(&name, &dims, own), name, dims }
        };
        parameters(config).into_iter().map(stored).collect()
    }

    /// Packed matrices by name, in one piece of memory, so that small ones are in huge pages too.
    fn in_one_piece(&self, mut stored: Vec<StoredTensor>) -> Vec<(String, Tensor)> {
        sort_onto_lines(&mut stored);
        let mut buffer = HostBuffer::zeroed(stored.iter().map(StoredTensor::n_bytes).sum());
        let mut rest = buffer.bytes_mut().expect("host memory");
        let places = stored.iter().map(|tensor| {
            let (place, after) = std::mem::take(&mut rest).split_at_mut(tensor.n_bytes());
            rest = after;
            (tensor, place)
        });
        in_parallel(places, |(StoredTensor { name, dtype, .. }, place)| {
            let DType::Packed(packing) = *dtype else { unreachable!("only packed matrices") };
            packing.pack(&self.or_absorbed(name), place);
        });
        let (memory, mut start): (Arc<dyn Memory>, _) = (Arc::new(buffer), 0);
        let tensor = |tensor: StoredTensor| {
            let n_bytes = tensor.n_bytes();
            let StoredTensor { name, dtype, dims } = tensor;
            let packed = Tensor::from_memory(Arc::clone(&memory), start, dtype, &dims);
            start += n_bytes;
            (name, packed)
        };
        stored.into_iter().map(tensor).collect()
    }

    /// A tensor of the packed model, as it is here.
    fn or_absorbed(&self, name: &str) -> Tensor {
        self.tensor(name).map_or_else(|| self.absorbed_key(name), Tensor::clone)
    }

    /// The half for keys of the projection from the latent, `[H · R, nope]`.
    fn absorbed_key(&self, name: &str) -> Tensor {
        let AttentionConfig::Latent { n_heads, kv_rank, nope, value, .. } = self.config.attention
        else {
            unreachable!("only latent attention has such a matrix")
        };
        let whole = self.tensor(&name.replace(ABSORBED_KEY, LATENT_UP));
        let whole = whole.expect("the names were checked on opening");
        let sizes = LatentSizes { n_heads, nope, value, rank: kv_rank };
        sizes.keys(whole).reshaped(&[n_heads * kv_rank, nope])
    }
}

/// The packing of what is not in blocks that have one of their own.
fn eight_bits() -> Packing {
    Packing::new(8, Q8_BLOCK).expect("there are groups of 32")
}

/// The format in memory of a parameter that is stored as `own`.
fn in_memory(name: &str, dims: &[usize], own: DType) -> DType {
    // GGUF has the parts of this one apart, in blocks that the whole cannot have.
    let is_put_together = name.contains(LATENT_UP);
    match own {
        DType::F32 | DType::Bf16 | DType::F16 | DType::I32 | DType::Packed(_)
            if !is_put_together =>
        {
            own
        }
        _ => {
            let packing = own.packing().unwrap_or_else(eight_bits);
            stored_as(name, dims, own, DType::Packed(packing))
        }
    }
}

fn n_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `act` on every item, on all cores, in the order of the items.
fn in_parallel<I: IntoIterator<IntoIter: Send>, R: Send>(
    items: I,
    act: impl Fn(I::Item) -> R + Sync,
) -> Vec<R> {
    let items = Mutex::new(items.into_iter().enumerate());
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || std::iter::from_fn(next).map(|(index, item)| (index, act(item))).collect();
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads()).map(|_| scope.spawn(work)).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<(usize, R)>>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().flat_map(join).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_get_the_packing_of_their_levels() {
        let up = "model.layers.0.mlp.up_proj.weight";
        let from_latent = "model.layers.0.self_attn.kv_b_proj.weight";
        for (name, dims, own, expected) in [
            (up, &[32, 256][..], DType::Q4K, "packed_4_32_min"),
            (up, &[32, 256], DType::Q6K, "packed_6_16"),
            (up, &[32, 32], DType::Q4_0, "packed_4_32"),
            (up, &[33, 256], DType::Q4K, "bf16"),
            (up, &[32, 256], DType::F16, "f16"),
            ("model.layers.1.mlp.gate.weight", &[32, 256], DType::Q8_0, "bf16"),
            ("model.norm.weight", &[256], DType::F32, "f32"),
            (from_latent, &[32, 256], DType::Bf16, "packed_8_32"),
        ] {
            assert_eq!(in_memory(name, dims, own).name(), expected, "{name} {dims:?} {own:?}");
        }
    }
}
