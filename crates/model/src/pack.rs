//! From a checkpoint of any format to one in the packed layout.

use std::path::Path;

use hadal_tensor::{DType, Packing, Tensor};

use crate::checkpoint::Checkpoint;
use crate::config::{AttentionConfig, Config};
use crate::error::Error;
use crate::safetensors_writer::{SafetensorsWriter, StoredTensor};
use crate::stored::{convert, stored_as};
use crate::weights::{ABSORBED_KEY, parameters};

impl Checkpoint {
    /// The configuration of this model in the packed layout.
    pub fn packed_config(&self, packing: Packing) -> Config {
        let dtype = DType::Packed(packing);
        let json = self.config.json_stored_as(dtype);
        Config { packed: Some(dtype), json, ..self.config.clone() }
    }

    /// Writes the weights to `path` in the packed layout, one at a time; `on_tensor` is told how
    /// many of how many bytes are done after each. Weights are rounded to nearest.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_packed(
        &self,
        packing: Packing,
        path: &Path,
        mut on_tensor: impl FnMut(usize, usize),
    ) -> Result<(), Error> {
        let stored: Vec<StoredTensor> = parameters(&self.packed_config(packing))
            .into_iter()
            .map(|parameter| {
                let own = self.tensor(&parameter.name).map_or(DType::Bf16, Tensor::dtype);
                let dtype =
                    stored_as(&parameter.name, &parameter.dims, own, DType::Packed(packing));
                StoredTensor { name: parameter.name, dtype, dims: parameter.dims }
            })
            .collect();
        let n_all: usize = stored.iter().map(|t| t.dims.iter().product::<usize>()).sum();
        let mut n_done = 0;
        let mut file = SafetensorsWriter::create(path, stored)?;
        while let Some(next) = file.next() {
            let tensor = match self.tensor(&next.name) {
                Some(tensor) => convert(tensor, next.dtype),
                None => convert(&self.absorbed_key(&next.name), next.dtype),
            };
            file.write(&tensor)?;
            n_done += tensor.len();
            on_tensor(n_done, n_all);
        }
        file.finish()
    }

    /// The key part of the matrix from the latent, rows and columns exchanged within each head:
    /// `f32 [H · R, nope]`.
    fn absorbed_key(&self, name: &str) -> Tensor {
        let AttentionConfig::Latent { n_heads, kv_rank, nope, value, .. } = self.config.attention
        else {
            unreachable!("only latent attention has such a matrix")
        };
        let kv_up = name.replace(ABSORBED_KEY, "kv_b_proj");
        let kv_up = self.tensor(&kv_up).expect("the names were checked on opening");
        let mut key = vec![0.0; n_heads * kv_rank * nope];
        let mut row = vec![0.0; kv_rank];
        for (head, key) in key.chunks_exact_mut(kv_rank * nope).enumerate() {
            for i in 0..nope {
                kv_up.read_row(head * (nope + value) + i, &mut row);
                for (r, x) in row.iter().enumerate() {
                    key[r * nope + i] = *x;
                }
            }
        }
        Tensor::from_slice(&key, &[n_heads * kv_rank, nope])
    }
}
