//! The operations of `hadal-tensor`, fast, on the processor: AVX-512, AVX2 and plain loops, chosen
//! at run time, over `f32` products from `faer`.
//!
//! This crate must never know tokens, layers, or requests.
//!
//! Every parallel operation is cut into the same tasks whatever the number of threads, and sums are
//! made in a fixed order within and across tasks. The kernels are in the files named after the
//! operations; [`isa`](self) picks the instruction set.

mod absorbed;
mod attention;
mod backend;
mod balance;
#[cfg(target_arch = "x86_64")]
mod bf16;
mod cached;
mod elementwise;
mod experts;
mod gemm;
mod isa;
mod lanes;
mod linear;
mod loss;
mod muon;
mod norm;
mod optimiser;
mod packed;
mod pin;
mod router;
mod rows;
mod team;

use std::sync::{Arc, Mutex, PoisonError};

use hadal_tensor::{DType, HostPool, Tensor};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

pub use isa::Isa;

use gemm::Threads;
use team::Team;

/// Freed memory that is kept for the next operation.
const POOL_BYTES: usize = 4 << 30;

/// Multiply-adds below which handing work to other threads costs more than it gains.
const SMALL_WORK: usize = 64 * 1024;

/// Numbers above which a loop lasts long enough to wake sleeping threads for: some tenths of a
/// millisecond. The team would spin beside the products that follow.
const LONG_WORK: usize = 2 << 20;

/// How the factors of a product of `f32` matrices are held while they are multiplied. Sums are
/// `f32` either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// As they are.
    F32,
    /// Rounded to `bf16`.
    Bf16,
}

/// The processor.
pub struct Cpu {
    isa: Isa,
    products: Products,
    n_threads: usize,
    /// For steps that last long enough to be handed to sleeping threads.
    threads: ThreadPool,
    /// For those that do not.
    team: Team,
    has_vnni: bool,
    memory: Arc<HostPool>,
}

impl Cpu {
    /// The processor with its best instruction set and `n_threads` threads.
    ///
    /// # Panics
    /// When the system cannot start the threads.
    pub fn new(n_threads: usize) -> Self {
        Cpu::with_isa(Isa::detect(), n_threads)
    }

    /// The processor with all its cores.
    ///
    /// # Panics
    /// As [`Cpu::new`].
    pub fn detect() -> Self {
        Cpu::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// The processor with one of [`Isa::available`].
    ///
    /// # Panics
    /// When the machine does not have it, or cannot start the threads.
    pub fn with_isa(isa: Isa, n_threads: usize) -> Self {
        assert!(Isa::available().contains(&isa), "this machine has no {}", isa.name());
        let n_threads = n_threads.max(1);
        let threads = ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .thread_name(|index| format!("hadal-cpu-{index}"))
            .build()
            .expect("the system starts threads");
        let memory = HostPool::new(POOL_BYTES);
        let (team, has_vnni) = (Team::new(n_threads), packed::has_vnni(isa));
        Cpu { isa, products: Products::F32, n_threads, threads, team, has_vnni, memory }
    }

    /// The same device, which rounds the factors of large products of `f32` matrices to `bf16`
    /// where the processor then multiplies faster (AVX-512 BF16); elsewhere nothing changes.
    /// Every stored value, weights and gradients included, stays `f32`.
    pub fn with_bf16_products(self) -> Self {
        let is_faster = self.isa == Isa::Avx512Bf16;
        let products = if is_faster { Products::Bf16 } else { Products::F32 };
        Cpu { products, ..self }
    }

    /// How it multiplies `f32` matrices.
    pub fn products(&self) -> Products {
        self.products
    }

    /// A pooled `f32` tensor of unspecified contents.
    fn buffer(&self, dims: &[usize]) -> Tensor {
        self.allocate(DType::F32, dims)
    }

    fn allocate(&self, dtype: DType, dims: &[usize]) -> Tensor {
        let (cols, outer) = dims.split_last().map_or((1, &[][..]), |(cols, outer)| (*cols, outer));
        let n_bytes = outer.iter().product::<usize>() * dtype.row_bytes(cols);
        Tensor::from_memory(Arc::new(self.memory.take(n_bytes)), 0, dtype, dims)
    }

    fn zeroed(&self, dims: &[usize]) -> Tensor {
        let mut tensor = self.buffer(dims);
        tensor.as_mut_slice::<f32>().fill(0.0);
        tensor
    }

    fn is_small(&self, work: usize) -> bool {
        self.n_threads == 1 || work < SMALL_WORK
    }

    fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.threads.install(work)
    }

    fn threads(&self) -> Threads {
        if self.n_threads == 1 { Threads::One } else { Threads::Pool(self.n_threads) }
    }

    /// Does every task, on all threads where there is enough `work`.
    fn for_each<T: Send>(&self, tasks: Vec<T>, work: usize, act: impl Fn(T) + Sync + Send) {
        if work > LONG_WORK && !self.is_small(work) {
            return self.install(|| tasks.into_par_iter().with_max_len(1).for_each(act));
        }
        let tasks: Vec<_> = tasks.into_iter().map(|task| Mutex::new(Some(task))).collect();
        self.for_tasks(tasks.len(), work, |index| {
            let mut task = tasks[index].lock().unwrap_or_else(PoisonError::into_inner);
            act(task.take().expect("each task is claimed once"));
        });
    }

    /// Does tasks `0..n_tasks`, on the whole team where there is enough `work`.
    fn for_tasks(&self, n_tasks: usize, work: usize, act: impl Fn(usize) + Sync) {
        self.for_tasks_ahead(n_tasks, work, || (), |(), task, _| act(task));
    }

    /// Does tasks `0..n_tasks`, on the whole team where there is enough `work`. Each thread makes
    /// what it needs by `scratch`, and is told with every task which one it will do next.
    fn for_tasks_ahead<S>(
        &self,
        n_tasks: usize,
        work: usize,
        scratch: impl Fn() -> S + Sync,
        act: impl Fn(&mut S, usize, Option<usize>) + Sync,
    ) {
        let step = |claims: &team::Claims<'_>| {
            let mut current = claims.take();
            let mut own = current.is_some().then(&scratch);
            while let (Some(task), Some(own)) = (current, &mut own) {
                let next = claims.take();
                act(own, task, next);
                current = next;
            }
        };
        if self.is_small(work) { team::alone(n_tasks, step) } else { self.team.run(n_tasks, step) }
    }

    /// Cuts rows of `dim` numbers into tasks of `task_rows` rows; `act` gets the first row's
    /// number and the rows.
    fn for_row_tasks<T: Send>(
        &self,
        out: &mut [T],
        dim: usize,
        task_rows: usize,
        act: impl Fn(usize, &mut [T]) + Sync + Send,
    ) {
        if out.is_empty() {
            return;
        }
        let work = out.len();
        let tasks = out.chunks_mut(task_rows * dim).enumerate().collect();
        self.for_each(tasks, work, |(task, rows): (usize, &mut [T])| act(task * task_rows, rows));
    }
}
