//! From a checkpoint of any format to one in the packed layout.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use hadal_tensor::{DType, Packing, Q8_BLOCK, Tensor};

use crate::checkpoint::Checkpoint;
use crate::config::{AttentionConfig, Config};
use crate::error::Error;
use crate::latent_halves::LatentSizes;
use crate::safetensors_writer::{StoredTensor, write_in_parts};
use crate::stored::{convert, stored_as};
use crate::weights::{ABSORBED_KEY, LATENT_UP, Parameter, parameters};

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
        let stored: Vec<StoredTensor> = parameters(&self.packed_config(packing))
            .into_iter()
            .map(|Parameter { name, dims }| {
                let own = self.tensor(&name).map_or(DType::Bf16, Tensor::dtype);
                let dtype = stored_as(&name, &dims, own, DType::Packed(packing));
                StoredTensor { name, dtype, dims }
            })
            .collect();
        let n_all: usize = stored.iter().map(|t| t.dims.iter().product::<usize>()).sum();
        let mut n_done = 0;
        write_in_parts(path, stored, AT_ONCE * n_threads(), |part| {
            let packed = in_parallel(part, |tensor| self.stored(&tensor.name, tensor.dtype));
            n_done += packed.iter().map(Tensor::len).sum::<usize>();
            on_part(n_done, n_all);
            packed
        })
    }

    /// The same model with every matrix of blocks in the packed layout, in memory: those of 4 bits
    /// in groups of 32 and those of 8 bits exactly, others rounded to 8 bits. Plain matrices stay
    /// as they are, and so does a model without blocks.
    pub fn packed_in_memory(self) -> Checkpoint {
        if !self.tensors().any(|(_, tensor)| tensor.dtype().is_blocks()) {
            return self;
        }
        let packing = |bits| Packing::new(bits, Q8_BLOCK).expect("there are groups of 32");
        let config = self.packed_config(packing(8));
        let all = parameters(&config);
        let tensors = in_parallel(&all, |Parameter { name, dims }| {
            let own = self.tensor(name).map_or(DType::Bf16, Tensor::dtype);
            // GGUF has the parts of this one apart, in blocks that the whole cannot have.
            let is_put_together = name.contains(LATENT_UP);
            let dtype = match own {
                DType::F32 | DType::Bf16 | DType::F16 | DType::I32 | DType::Packed(_)
                    if !is_put_together =>
                {
                    own
                }
                DType::Q4_0 => stored_as(name, dims, own, DType::Packed(packing(4))),
                _ => stored_as(name, dims, own, DType::Packed(packing(8))),
            };
            (name.clone(), self.stored(name, dtype))
        });
        Checkpoint::of_checked(config, tensors.into_iter().collect())
    }

    /// A tensor of the packed model as `dtype`.
    fn stored(&self, name: &str, dtype: DType) -> Tensor {
        match self.tensor(name) {
            Some(tensor) => convert(tensor, dtype),
            None => convert(&self.absorbed_key(name), dtype),
        }
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

fn n_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `act` on every item, on all cores, in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, act(item)));
        }
    };
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
