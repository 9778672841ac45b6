//! What is relational of a run: DataFusion over its tables, within a bound of memory.
//!
//! Plans are SQL over Parquet files and functions of ours, which are registered by name, so that the
//! same plan can be sent to where those functions are registered too.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use futures::StreamExt as _;
use tokio::runtime::Runtime;

use crate::Error;
use crate::table::{Output, TableWriter};

/// Bytes of memory for each row of a batch. A merge holds a batch of every file that was spilled, and
/// rows are texts: of 4 KiB, a batch is a 64th of the memory.
const MEMORY_OF_ROW: usize = 256 << 10;

/// Tables, functions, and the threads that compute with them.
pub(super) struct Relations {
    runtime: Runtime,
    context: SessionContext,
}

fn failed(what: &'static str) -> impl Fn(DataFusionError) -> Error {
    move |source| Error::Relations { what, source: Box::new(source) }
}

/// A function of columns, which all have as many rows.
pub(super) type Function = dyn Fn(&[ArrayRef]) -> DataFusionResult<ArrayRef> + Send + Sync;

impl Relations {
    /// Begins without tables. What does not fit into `memory_bytes` waits in the folder `spill`.
    pub(super) fn new(memory_bytes: usize, spill: &Path) -> Result<Self, Error> {
        let what = "opening DataFusion";
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(rayon::current_num_threads())
            .build()
            .map_err(|error| failed(what)(error.into()))?;
        let spill = DiskManagerMode::Directories(vec![spill.to_owned()]);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(spill))
            .build_arc()
            .map_err(failed(what))?;
        // With a single partition joins would hash, which cannot spill.
        let n_partitions = rayon::current_num_threads().max(2);
        let mut config = SessionConfig::new()
            .with_target_partitions(n_partitions)
            .with_batch_size((memory_bytes / MEMORY_OF_ROW).clamp(256, 8192));
        // Joins that sort can spill, and joins that hash cannot.
        config.options_mut().optimizer.prefer_hash_join = false;
        config.options_mut().execution.sort_spill_reservation_bytes = memory_bytes / 64;
        // What is in memory is sorted whole: merging its batches would take as much again.
        config.options_mut().execution.sort_in_place_threshold_bytes = memory_bytes;
        // Strings and lists stay as they were written, so that functions see one type.
        config.options_mut().execution.parquet.schema_force_view_types = false;
        Ok(Self { runtime, context: SessionContext::new_with_config_rt(config, environment) })
    }

    /// Names the rows of files, in no order.
    pub(super) fn table(&self, name: &'static str, files: &[String]) -> Result<(), Error> {
        let options = ParquetReadOptions::default();
        let frame = self.runtime.block_on(self.context.read_parquet(files.to_vec(), options));
        let registered = frame.and_then(|frame| {
            let _ = self.context.deregister_table(name)?;
            self.context.register_table(name, frame.into_view())
        });
        registered.map(|_| ()).map_err(failed(name))
    }

    /// Names what a query gives, which is computed wherever the name is used.
    pub(super) fn view(&self, name: &'static str, sql: &str) -> Result<(), Error> {
        let frame = self.runtime.block_on(self.context.sql(sql));
        let registered =
            frame.and_then(|frame| self.context.register_table(name, frame.into_view()));
        registered.map(|_| ()).map_err(failed(name))
    }

    /// Names a function of columns.
    pub(super) fn function(
        &self,
        name: &str,
        takes: Vec<DataType>,
        gives: DataType,
        function: Arc<Function>,
    ) {
        let act = move |values: &[ColumnarValue]| {
            let columns = ColumnarValue::values_to_arrays(values)?;
            Ok(ColumnarValue::Array(function(&columns)?))
        };
        let function = create_udf(name, takes, gives, Volatility::Immutable, Arc::new(act));
        self.context.register_udf(function);
    }

    /// Gives `each` the rows of a query, a batch at a time, in its order.
    pub(super) fn rows(
        &self,
        what: &'static str,
        sql: &str,
        each: impl FnMut(RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.rows_within(&self.context, what, sql, each)
    }

    /// As [`rows`](Self::rows), of long rows that are sorted. The whole sort is one: merging the
    /// sorted partitions would want memory that merging what each spilled has taken.
    pub(super) fn long_rows(
        &self,
        what: &'static str,
        sql: &str,
        each: impl FnMut(RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut state = self.context.state();
        state.config_mut().options_mut().execution.target_partitions = 1;
        self.rows_within(&SessionContext::new_with_state(state), what, sql, each)
    }

    fn rows_within(
        &self,
        context: &SessionContext,
        what: &'static str,
        sql: &str,
        mut each: impl FnMut(RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.runtime.block_on(async {
            let mut stream = stream(context, sql).await.map_err(failed(what))?;
            while let Some(rows) = stream.next().await {
                each(rows.map_err(failed(what))?)?;
            }
            Ok(())
        })
    }

    /// Writes the rows of a query to a file.
    pub(super) fn write(
        &self,
        what: &'static str,
        sql: &str,
        path: &Path,
    ) -> Result<Output, Error> {
        self.runtime.block_on(async {
            let mut stream = stream(&self.context, sql).await.map_err(failed(what))?;
            let mut table = TableWriter::create(path, stream.schema())?;
            while let Some(rows) = stream.next().await {
                table.write(&rows.map_err(failed(what))?)?;
            }
            table.finish()
        })
    }
}

async fn stream(
    context: &SessionContext,
    sql: &str,
) -> DataFusionResult<SendableRecordBatchStream> {
    context.sql(sql).await?.execute_stream().await
}
