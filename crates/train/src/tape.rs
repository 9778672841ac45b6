//! The tape: a device that remembers what it computed, so that gradients can be had.
//!
//! It wraps a device and is a device itself, so the forward pass does not know of it. Each
//! operation records the call of its vector-Jacobian product; the backward pass plays the records
//! from last to first, and lets go of activations and gradients as they are consumed.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use hadal_tensor::{
    AttentionSpec, Backend, DType, Differentiable, ExpertGradients, ExpertWeights, Gradient,
    LatentDims, RotarySpec, RouterSpec, Routing, Segment, Tensor,
};

use crate::gradients::Gradients;

/// What the backward pass of one operation does.
pub(crate) type Record = Box<dyn FnOnce(&dyn Differentiable, &mut Gradients) + Send>;

/// A device that records around another.
pub struct Tape<'d> {
    device: &'d dyn Differentiable,
    records: Mutex<Vec<Record>>,
}

impl<'d> Tape<'d> {
    /// A blank tape around `device`.
    pub fn around(device: &'d dyn Differentiable) -> Self {
        Tape { device, records: Mutex::default() }
    }

    /// Plays the tape backwards from `output`, whose gradient is `d_output`, into `gradients`.
    pub fn backward(self, output: &Tensor, d_output: Tensor, gradients: &mut Gradients) {
        self.backward_from([(output, d_output)], gradients);
    }

    /// [`Tape::backward`] from several outputs, each with its gradient: their weighted sum.
    pub fn backward_from<'t>(
        self,
        outputs: impl IntoIterator<Item = (&'t Tensor, Tensor)>,
        gradients: &mut Gradients,
    ) {
        for (output, d_output) in outputs {
            gradients.seed(output, d_output);
        }
        let mut records = self.records.into_inner().unwrap_or_else(PoisonError::into_inner);
        while let Some(record) = records.pop() {
            record(self.device, gradients);
        }
    }

    /// Records the backward pass of an operation with one output; it is skipped where nothing
    /// depended on the output.
    fn record(
        &self,
        output: &Tensor,
        backward: impl FnOnce(&dyn Differentiable, &mut Gradients, &Tensor) + Send + 'static,
    ) {
        let output = output.id();
        self.push(Box::new(move |device, gradients| {
            if let Some(d_out) = gradients.consume(output) {
                backward(device, gradients, &d_out);
            }
        }));
    }

    /// The device that the tape is around, which records nothing.
    pub(crate) fn device(&self) -> &'d dyn Differentiable {
        self.device
    }

    /// Puts a record behind all others.
    pub(crate) fn push(&self, record: Record) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }
}

impl Backend for Tape<'_> {
    fn name(&self) -> String {
        self.device.name()
    }

    fn empty(&self, dtype: DType, dims: &[usize]) -> Tensor {
        self.device.empty(dtype, dims)
    }

    fn zeros(&self, dims: &[usize]) -> Tensor {
        self.device.zeros(dims)
    }

    fn upload(&self, host: &Tensor) -> Tensor {
        self.device.upload(host)
    }

    fn download(&self, tensor: &Tensor) -> Tensor {
        self.device.download(tensor)
    }

    fn store_rows(&self, cache: &mut Tensor, at: usize, rows: &Tensor) {
        self.device.store_rows(cache, at, rows);
    }

    fn widen(&self, x: &Tensor) -> Tensor {
        self.device.widen(x)
    }

    fn embedding(&self, table: &Tensor, ids: &Tensor) -> Tensor {
        let out = self.device.embedding(table, ids);
        let (table, ids) = (table.clone(), ids.clone());
        self.record(&out, move |device, gradients, d_out| {
            if gradients.is_trained(&table) {
                gradients.write(device, &table, |_, d_table| {
                    device.embedding_backward(d_out, &ids, d_table);
                });
            }
        });
        out
    }

    fn linear(&self, x: &Tensor, w: &Tensor) -> Tensor {
        let out = self.device.linear(x, w);
        let (x, w) = (x.clone(), w.clone());
        self.record(&out, move |device, gradients, d_out| {
            let mut d_w = gradients.is_trained(&w).then(|| gradients.take(device, &w));
            gradients.write(device, &x, |_, d_x| {
                device.linear_backward(d_out, &x, &w, Some(d_x), d_w.as_mut());
            });
            if let Some(d_w) = d_w {
                gradients.put_back(&w, d_w);
            }
        });
        out
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Tensor {
        let out = self.device.add(a, b);
        let inputs = [a.clone(), b.clone()];
        self.record(&out, move |device, gradients, d_out| {
            for input in &inputs {
                gradients.write(device, input, |_, d_input| device.pass_gradient(d_out, d_input));
            }
        });
        out
    }

    fn add_row(&self, x: &Tensor, row: &Tensor) -> Tensor {
        let out = self.device.add_row(x, row);
        let (x, row) = (x.clone(), row.clone());
        self.record(&out, move |device, gradients, d_out| {
            gradients.write(device, &x, |_, d_x| device.pass_gradient(d_out, d_x));
            if gradients.is_trained(&row) {
                gradients.write(device, &row, |_, d_row| device.add_row_backward(d_out, d_row));
            }
        });
        out
    }

    fn rms_norm(&self, x: &Tensor, w: &Tensor, epsilon: f32) -> Tensor {
        let out = self.device.rms_norm(x, w, epsilon);
        let (x, w) = (x.clone(), w.clone());
        self.record(&out, move |device, gradients, d_out| {
            let mut d_w = gradients.is_trained(&w).then(|| gradients.take(device, &w));
            gradients.write(device, &x, |_, d_x| {
                device.rms_norm_backward(d_out, &x, &w, epsilon, d_x, d_w.as_mut());
            });
            if let Some(d_w) = d_w {
                gradients.put_back(&w, d_w);
            }
        });
        out
    }

    fn rotary(&self, x: &Tensor, spec: &RotarySpec, positions: &Tensor) -> Tensor {
        let out = self.device.rotary(x, spec, positions);
        let (x, spec, positions) = (x.clone(), spec.clone(), positions.clone());
        self.record(&out, move |device, gradients, d_out| {
            gradients.write(device, &x, |_, d_x| {
                device.rotary_backward(d_out, &spec, &positions, d_x);
            });
        });
        out
    }

    fn swiglu(&self, gate: &Tensor, up: &Tensor) -> Tensor {
        let out = self.device.swiglu(gate, up);
        let (gate, up) = (gate.clone(), up.clone());
        self.record(&out, move |device, gradients, d_out| {
            gradients.write(device, &gate, |gradients, d_gate| {
                gradients.write(device, &up, |_, d_up| {
                    device.swiglu_backward(d_out, &gate, &up, d_gate, d_up);
                });
            });
        });
        out
    }

    fn columns(&self, x: &Tensor, range: Range<usize>) -> Tensor {
        let out = self.device.columns(x, range.clone());
        let x = x.clone();
        self.record(&out, move |device, gradients, d_out| {
            gradients.write(device, &x, |_, d_x| {
                device.columns_backward(d_out, range.start, d_x);
            });
        });
        out
    }

    fn reshape(&self, x: &Tensor, dims: &[usize]) -> Tensor {
        let out = self.device.reshape(x, dims);
        let x = x.clone();
        self.record(&out, move |device, gradients, d_out| {
            gradients.write(device, &x, |_, d_x| {
                device.pass_gradient(&device.reshape(d_out, x.dims()), d_x);
            });
        });
        out
    }

    fn join_columns(&self, a: &Tensor, b: &Tensor) -> Tensor {
        let out = self.device.join_columns(a, b);
        let (a, b) = (a.clone(), b.clone());
        self.record(&out, move |device, gradients, d_out| {
            gradients.write(device, &a, |gradients, d_a| {
                gradients.write(device, &b, |_, d_b| {
                    device.join_columns_backward(d_out, d_a, d_b);
                });
            });
        });
        out
    }

    fn join_keys(&self, kv: &Tensor, k_rope: &Tensor, dims: LatentDims) -> (Tensor, Tensor) {
        let (keys, values) = self.device.join_keys(kv, k_rope, dims);
        let (kv, k_rope) = (kv.clone(), k_rope.clone());
        let outputs = [keys.id(), values.id()];
        self.push(Box::new(move |device, gradients| {
            let [d_keys, d_values] = outputs.map(|output| gradients.consume(output));
            let (Some(d_keys), Some(d_values)) = (d_keys, d_values) else { return };
            gradients.write(device, &kv, |gradients, d_kv| {
                gradients.write(device, &k_rope, |_, d_k_rope| {
                    device.join_keys_backward(&d_keys, &d_values, dims, d_kv, d_k_rope);
                });
            });
        }));
        (keys, values)
    }

    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor, spec: &AttentionSpec) -> Tensor {
        let (out, log_sum_exp) = self.device.attention_saving(q, k, v, spec);
        let (qkv, spec, saved) = ([q, k, v].map(Tensor::clone), spec.clone(), out.clone());
        self.record(&out, move |device, gradients, d_out| {
            let [q, k, v] = &qkv;
            gradients.write(device, q, |gradients, d_q| {
                gradients.write(device, k, |gradients, d_k| {
                    gradients.write(device, v, |_, d_v| {
                        device.attention_backward(
                            d_out,
                            &saved,
                            &log_sum_exp,
                            [q, k, v],
                            &spec,
                            [d_q, d_k, d_v],
                        );
                    });
                });
            });
        });
        out
    }

    fn absorbed_attention(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: Option<&Tensor>,
        _: &Tensor,
        _: &Tensor,
        _: LatentDims,
        _: &AttentionSpec,
    ) -> Tensor {
        unreachable!("absorbed attention is for decoding; training has no cache")
    }

    fn route(&self, logits: &Tensor, bias: Option<&Tensor>, spec: &RouterSpec) -> Routing {
        let routing = self.device.route(logits, bias, spec);
        let (logits, spec, made) = (logits.clone(), spec.clone(), routing.clone());
        self.record(&routing.weights, move |device, gradients, d_weights| {
            gradients.write(device, &logits, |_, d_logits| {
                device.route_backward(d_weights, &logits, &made, &spec, d_logits);
            });
        });
        routing
    }

    fn experts(&self, x: &Tensor, routing: &Routing, weights: &ExpertWeights) -> Tensor {
        let (out, saved) = self.device.experts_saving(x, routing, weights);
        let (x, routing, weights) = (x.clone(), routing.clone(), weights.clone());
        self.record(&out, move |device, gradients, d_out| {
            let mut places = ExpertPlaces::take(device, gradients, &weights);
            gradients.write(device, &x, |gradients, d_x| {
                gradients.write(device, &routing.weights, |_, d_routing| {
                    let d_weights = places.as_mut().map(ExpertPlaces::lend);
                    device.experts_backward(
                        d_out, &x, &routing, &weights, &saved, d_x, d_routing, d_weights,
                    );
                });
            });
            if let Some(places) = places {
                places.put_back(gradients, &weights);
            }
        });
        out
    }

    fn balance_loss(
        &self,
        logits: &Tensor,
        indices: &Tensor,
        spec: &RouterSpec,
        segments: &[Segment],
    ) -> Tensor {
        let losses = self.device.balance_loss(logits, indices, spec, segments);
        let (logits, indices) = (logits.clone(), indices.clone());
        let (spec, segments) = (spec.clone(), segments.to_vec());
        self.record(&losses, move |device, gradients, d_losses| {
            gradients.write(device, &logits, |_, d_logits| {
                device
                    .balance_loss_backward(d_losses, &logits, &indices, &spec, &segments, d_logits);
            });
        });
        losses
    }

    fn cross_entropy_with_z(&self, logits: &Tensor, targets: &Tensor) -> (Tensor, Tensor) {
        let (losses, squares) = self.device.cross_entropy_with_z(logits, targets);
        let (logits, targets) = (logits.clone(), targets.clone());
        let outputs = [losses.id(), squares.id()];
        self.push(Box::new(move |device, gradients| {
            let [d_losses, d_squares] = outputs.map(|output| gradients.consume(output));
            if d_losses.is_none() && d_squares.is_none() {
                return;
            }
            let d_losses = d_losses.unwrap_or_else(|| device.zeros(targets.dims()));
            let d_squares = d_squares.as_ref();
            gradients.write(device, &logits, |_, d_logits| {
                device.cross_entropy_backward(&d_losses, d_squares, &logits, &targets, d_logits);
            });
        }));
        (losses, squares)
    }
}

/// The places for the gradients of all experts of a layer.
struct ExpertPlaces([Vec<Gradient>; 3]);

impl ExpertPlaces {
    /// `None` where the experts are not trained.
    fn take(
        device: &dyn Differentiable,
        gradients: &mut Gradients,
        weights: &ExpertWeights,
    ) -> Option<Self> {
        if !weights.gate.first().is_some_and(|gate| gradients.is_trained(gate)) {
            return None;
        }
        let mut take = |of: &[Tensor]| of.iter().map(|w| gradients.take(device, w)).collect();
        Some(ExpertPlaces([take(&weights.gate), take(&weights.up), take(&weights.down)]))
    }

    fn lend(&mut self) -> ExpertGradients<'_> {
        let [gate, up, down] = &mut self.0;
        ExpertGradients { gate, up, down }
    }

    fn put_back(self, gradients: &mut Gradients, weights: &ExpertWeights) {
        for (places, of) in self.0.into_iter().zip([&weights.gate, &weights.up, &weights.down]) {
            for (place, weight) in places.into_iter().zip(of) {
                gradients.put_back(weight, place);
            }
        }
    }
}
