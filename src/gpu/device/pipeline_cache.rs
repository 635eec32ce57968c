//! Compiled pipelines kept in a file, so that the next process need not compile them again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::gpu::device::adapter::AdapterInfo;
use crate::gpu::device::faults::Faults;
use crate::whole_file;

/// The first line of a file.
const MAGIC: &str = "convoke pipelines 1";

/// A driver's compiled pipelines with the file that they are kept in.
#[derive(Debug)]
pub(crate) struct PipelineCache {
    handle: wgpu::PipelineCache,
    path: PathBuf,
    /// Says for which adapter and driver the content is good.
    owner: String,
}

impl PipelineCache {
    /// The cache that a file holds; an empty one where there is none, or where it is not whole or another adapter's. None
    /// where the backend has no such thing.
    pub(crate) fn open(device: &wgpu::Device, info: &AdapterInfo, path: PathBuf) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            log::info!("{info} has no pipeline cache; {} is not used", path.display());
            return None;
        }
        let owner = info.to_string();
        let data = std::fs::read(&path).ok().and_then(|file| {
            let data = unpack(&file, &owner).map(<[u8]>::to_vec);
            if data.is_none() {
                log::warn!("{} is not a whole pipeline cache of {owner}: not used", path.display());
            }
            data
        });
        let handle = made_of(device, data.as_deref(), &path);
        Some(Self { handle, path, owner })
    }

    pub(crate) fn handle(&self) -> &wgpu::PipelineCache {
        &self.handle
    }

    /// Writes what the driver has so far. The file is always whole: a new one takes the place of the old.
    pub(crate) fn save(&self) -> Result<()> {
        let Some(data) = self.handle.get_data() else {
            return Ok(());
        };
        let folder = self.path.parent().filter(|folder| *folder != Path::new(""));
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        whole_file::replace(&self.path, |mut file| {
            let written = file.write_all(&pack(&data, &self.owner));
            written.map_err(Error::io(&self.path))
        })
    }
}

impl Drop for PipelineCache {
    fn drop(&mut self) {
        if let Err(error) = self.save() {
            log::warn!("pipelines are not kept: {error}");
        }
    }
}

/// A cache that begins with this data, or empty where the device refuses it: what has another length or header than it was written
/// with, for all that its checksum is right. The next time that it is saved a good file takes the place of this one.
fn made_of(device: &wgpu::Device, data: Option<&[u8]>, path: &Path) -> wgpu::PipelineCache {
    let (handle, refused) = Faults::caught(device, || create(device, data));
    let (Some(_), Some(why)) = (data, refused) else {
        return handle;
    };
    log::warn!("{} is dropped: {why}", path.display());
    if let Err(error) = std::fs::remove_file(path) {
        log::warn!("{}: {error}", path.display());
    }
    create(device, None)
}

#[expect(
    unsafe_code,
    reason = "wgpu has no safe way: drivers trust the data, which is checked to be what one wrote"
)]
fn create(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor = wgpu::PipelineCacheDescriptor {
        label: Some("convoke.pipelines"),
        data,
        fallback: true,
    };
    // SAFETY: the data came from `PipelineCache::get_data` for this adapter and driver: `unpack` compares both and the
    // checksum of what `pack` was given.
    unsafe { device.create_pipeline_cache(&descriptor) }
}

/// A header of three lines (what it is, whose it is, the checksum), then the data.
pub fn pack(data: &[u8], owner: &str) -> Vec<u8> {
    let mut file = format!("{MAGIC}\n{owner}\n{:016x}\n", checksum(data)).into_bytes();
    file.extend_from_slice(data);
    file
}

/// The data of a file, where it is whole and this adapter's.
pub fn unpack<'a>(file: &'a [u8], owner: &str) -> Option<&'a [u8]> {
    let mut parts = file.splitn(4, |&byte| byte == b'\n');
    let [magic, whose, sum, data] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let is_good = magic == MAGIC.as_bytes() && whose == owner.as_bytes() && sum == format!("{:016x}", checksum(data)).as_bytes();
    is_good.then_some(data)
}

fn checksum(data: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte of what wgpu puts before a driver's data, changed, with the checksum made right again.
    #[test]
    fn data_that_the_device_refuses_is_dropped_and_nobody_hears_of_it() {
        let Some(gpu) = crate::testing::gpu().unwrap() else { return };
        let folder = std::env::temp_dir().join(format!("convoke-refused-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("pipelines.bin");
        let open = || {
            crate::Gpu::builder()
                .named(&gpu.info().name)
                .pipeline_cache(&path)
                .build()
                .unwrap()
        };
        let owner = gpu.info().to_string();
        let first = open();
        if first.context.pipeline_cache.is_none() {
            println!("skipped: {owner} keeps no pipelines");
            return;
        }
        first.save_pipelines().unwrap();
        drop(first);
        let whole = unpack(&std::fs::read(&path).unwrap(), &owner).unwrap().to_vec();
        let mut refused = 0;
        for place in 0..64.min(whole.len()) {
            let mut changed = whole.clone();
            changed[place] ^= 0x55;
            std::fs::write(&path, pack(&changed, &owner)).unwrap();
            let gpu = open();
            refused += usize::from(!path.exists());
            let input = ndarray::arr1(&[-1.0_f32, 2.0]);
            let output = gpu.unary(&gpu.upload(&input).unwrap(), crate::ops::Unary::Relu).unwrap();
            assert_eq!(
                output.read::<f32>().unwrap().as_slice(),
                Some(&[0.0, 2.0][..]),
                "byte {place}"
            );
            gpu.save_pipelines().unwrap();
            assert!(unpack(&std::fs::read(&path).unwrap(), &owner).is_some());
        }
        std::fs::remove_dir_all(&folder).unwrap();
        // What says whose data it is; what wgpu thinks may happen to a file it passes over by itself.
        assert!(refused >= 16, "{refused} of 64 changed bytes were refused");
    }

    #[test]
    fn only_whole_files_of_the_same_adapter_are_taken() {
        let data = b"\nany\nbytes\n\xff".as_slice();
        let file = pack(data, "an adapter");
        assert_eq!(unpack(&file, "an adapter"), Some(data));
        assert_eq!(unpack(&file, "another adapter"), None);
        for length in 0..file.len() {
            assert_eq!(
                unpack(&file[..length], "an adapter"),
                None,
                "{length} of {} bytes",
                file.len()
            );
        }
        for index in 0..file.len() {
            let mut corrupt = file.clone();
            corrupt[index] ^= 1;
            assert_eq!(unpack(&corrupt, "an adapter"), None, "byte {index}");
        }
    }
}
