//! The pictures of a folder as if a camera brought 30 of them a second, through a network and into a window:
//! `cargo run --release --example camera -- FOLDER`
//!
//! The newest frame is drawn; those are left out for which there was no time.

mod player;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use convoke::Gpu;
use convoke::gpu::device_descriptor;
use player::Player;
use wgpu::CurrentSurfaceTexture;
use winit::application::ApplicationHandler;
use winit::event::WindowEvent;
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::window::{Window, WindowAttributes, WindowId};

struct Application {
    folder: PathBuf,
    shown: Option<Shown>,
    outcome: Result<(), Box<dyn Error>>,
}

struct Shown {
    window: Arc<Window>,
    surface: wgpu::Surface<'static>,
    config: wgpu::SurfaceConfiguration,
    gpu: Gpu,
    player: Player,
    began: Instant,
}

impl Shown {
    fn open(event_loop: &ActiveEventLoop, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let window = Arc::new(event_loop.create_window(WindowAttributes::default().with_title("convoke").with_resizable(false))?);
        let instance = wgpu::Instance::default();
        let surface = instance.create_surface(Arc::clone(&window))?;
        let wanted = wgpu::RequestAdapterOptions {
            compatible_surface: Some(&surface),
            ..Default::default()
        };
        let adapter = pollster::block_on(instance.request_adapter(&wanted))?;
        // The window's device is convoke's as well.
        let (device, queue) = pollster::block_on(adapter.request_device(&device_descriptor(&adapter)))?;
        let gpu = Gpu::from_device(device, queue, &adapter.get_info())?;
        let size = window.inner_size();
        let config = surface
            .get_default_config(&adapter, size.width.max(1), size.height.max(1))
            .ok_or("no format for a window")?;
        surface.configure(gpu.device(), &config);
        let player = Player::new(&gpu, folder, config.format)?;
        Ok(Self {
            window,
            surface,
            config,
            gpu,
            player,
            began: Instant::now(),
        })
    }

    fn draw(&self) -> Result<(), Box<dyn Error>> {
        match self.surface.get_current_texture() {
            CurrentSurfaceTexture::Success(target) | CurrentSurfaceTexture::Suboptimal(target) => {
                let view = target.texture.create_view(&wgpu::TextureViewDescriptor::default());
                let newest = (self.began.elapsed().as_secs_f64() * 30.0) as usize;
                self.player.draw(newest, &view)?;
                self.gpu.queue().present(target);
            }
            CurrentSurfaceTexture::Outdated => self.surface.configure(self.gpu.device(), &self.config),
            CurrentSurfaceTexture::Timeout | CurrentSurfaceTexture::Occluded => {}
            other => return Err(format!("no texture of the window: {other:?}").into()),
        }
        self.window.request_redraw();
        Ok(())
    }
}

impl ApplicationHandler for Application {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        match Shown::open(event_loop, &self.folder) {
            Ok(shown) => self.shown = Some(shown),
            Err(error) => {
                self.outcome = Err(error);
                event_loop.exit();
            }
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match (event, &self.shown) {
            (WindowEvent::CloseRequested, _) => event_loop.exit(),
            (WindowEvent::RedrawRequested, Some(shown)) => {
                self.outcome = shown.draw();
                if self.outcome.is_err() {
                    event_loop.exit();
                }
            }
            _ => {}
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("expected FOLDER")?.into();
    let mut application = Application {
        folder,
        shown: None,
        outcome: Ok(()),
    };
    EventLoop::new()?.run_app(&mut application)?;
    application.outcome
}
