//! How a run takes hold of its folder: alone in it, without what a killed run left half-written,
//! and with the newest whole checkpoint where it is to go on.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::checkpoint::{Progress, list_checkpoints};
use crate::error::{Error, at};
use crate::lasting::Lasting;
use crate::manifest::Manifest;

/// A run's folder, held by one run.
pub(crate) struct Start {
    /// What to go on from.
    pub(crate) checkpoint: Option<(PathBuf, Progress)>,
    /// Newer checkpoints that are damaged, each with what is wrong.
    damaged: Vec<(PathBuf, String)>,
    _lock: File,
}

impl Start {
    /// Makes the folder of a run, and finds what to resume where that is asked for.
    pub(crate) fn in_folder(folder: &Path, resume: bool, recipe: &Lasting) -> Result<Start, Error> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let lock = lock(folder)?;
        remove_partial(folder)?;
        let mut all = list_checkpoints(folder)?;
        let (mut checkpoint, mut damaged) = (None, Vec::new());
        match (all.is_empty(), resume) {
            (true, true) => return Err(Error::NothingToResume { folder: folder.to_path_buf() }),
            (false, false) => return Err(Error::RunExists { folder: folder.to_path_buf() }),
            _ => (),
        }
        while let Some(newest) = all.pop() {
            match Manifest::verify(&newest) {
                Ok(()) => {
                    let progress = Progress::read(&newest)?;
                    progress.recipe.check(recipe, &newest)?;
                    checkpoint = Some((newest, progress));
                    break;
                }
                Err(error) => damaged.push((newest, error.to_string())),
            }
        }
        if let (None, Some((_, newest))) = (&checkpoint, damaged.first()) {
            let (folder, newest) = (folder.to_path_buf(), newest.clone());
            return Err(Error::NoneWhole { folder, newest });
        }
        Ok(Start { checkpoint, damaged, _lock: lock })
    }

    /// Steps done.
    pub(crate) fn step(&self) -> u32 {
        self.checkpoint.as_ref().map_or(0, |(_, progress)| progress.step)
    }

    /// Gives damaged checkpoints another name, under which they neither count among those to keep
    /// nor stand in the way of the checkpoint of the same step. Gives that name, and what is wrong.
    pub(crate) fn set_damaged_aside(&self) -> Result<Vec<(PathBuf, String)>, Error> {
        let set_aside = |(folder, reason): &(PathBuf, String)| {
            let aside = folder.with_extension("damaged");
            if aside.exists() {
                fs::remove_dir_all(&aside).map_err(at(&aside))?;
            }
            fs::rename(folder, &aside).map_err(at(folder))?;
            Ok((aside, reason.clone()))
        };
        self.damaged.iter().map(set_aside).collect()
    }
}

/// Keeps other processes out of the folder. The system lets go of the lock when this process ends,
/// however it ends.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("run.lock");
    let file = File::create(&path).map_err(at(&path))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::RunIsBusy { folder: folder.to_path_buf() }),
        // Some network file systems have no locks; that is no reason not to train there.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Removes what a killed run was writing, or removing.
fn remove_partial(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "partial") {
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(at(&path))?;
        }
    }
    Ok(())
}
