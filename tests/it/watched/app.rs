//! A program that embeds Thermocline: the example of that name, in a thread of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

#[expect(dead_code, reason = "its `main` is for a process of its own")]
#[path = "../../../examples/watched.rs"]
mod example;

use self::example::Control;

/// The program. A recorder that is not the whole process's is a thread's.
pub(super) struct App {
    pub(super) port: u16,
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

impl App {
    /// Starts it over the configuration in `folder`.
    pub(super) fn start(folder: &Path) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let control = Arc::new(Control::default());
        let (config, its) = (folder.join("thermocline.toml"), Arc::clone(&control));
        let thread = std::thread::spawn(move || {
            let recorder = example::recorder();
            let shown = recorder.handle();
            let _recording = metrics::set_default_local_recorder(&recorder);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let worked = example::work(&config, listener, shown, &its).await;
                worked.expect("the program works");
            });
        });
        Self {
            port,
            control,
            thread: Some(thread),
        }
    }

    /// Lets it read on, and write no more.
    pub(super) fn stop_writing(&self) {
        self.control.stops_writing.store(true, Ordering::SeqCst);
    }

    /// How many flights it has written.
    pub(super) fn written(&self) -> u64 {
        self.control.written.load(Ordering::SeqCst)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.control.ends.store(true, Ordering::SeqCst);
        let ended = self.thread.take().map(JoinHandle::join);
        // A test that fails has said why; the thread's panic would hide it.
        if !std::thread::panicking()
            && let Some(Err(panic)) = ended
        {
            std::panic::resume_unwind(panic);
        }
    }
}
