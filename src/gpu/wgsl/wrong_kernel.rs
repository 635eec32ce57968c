//! A deliberately wrong kernel, for tests of what must notice one. Only with the feature `wrong-kernel`.

use crate::error::{Error, Result};
use crate::gpu::wgsl::kernel::Kernel;

/// What to replace in the final text of one kernel, everywhere it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrongKernel {
    kernel: &'static str,
    from: String,
    to: String,
}

impl WrongKernel {
    /// Reads `KERNEL:FROM=>TO`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let parts = text.split_once(':').and_then(|(kernel, change)| {
            let (from, to) = change.split_once("=>")?;
            Some((kernel, from, to))
        });
        let Some((kernel, from, to)) = parts.filter(|(_, from, to)| !from.is_empty() && from != to) else {
            return Err(Error::invalid(
                "wrong kernel",
                format!("KERNEL:FROM=>TO with two texts that differ is expected, and {text:?} came"),
            ));
        };
        let names = || Kernel::ALL.iter().map(|known| known.source().name);
        let Some(kernel) = names().find(|name| *name == kernel) else {
            let names: Vec<_> = names().collect();
            return Err(Error::invalid(
                "wrong kernel",
                format!("there is no kernel {kernel:?}; there are {}", names.join(", ")),
            ));
        };
        log::warn!("the kernel {kernel} is made wrong on purpose: {from:?} becomes {to:?}");
        Ok(Self {
            kernel,
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }

    /// The text of a kernel, made wrong if this is the one.
    pub(crate) fn apply(&self, kernel: &str, text: String) -> Result<String> {
        if kernel != self.kernel {
            return Ok(text);
        }
        if !text.contains(&self.from) {
            return Err(Error::invalid(
                "wrong kernel",
                format!("{kernel} does not contain {:?}", self.from),
            ));
        }
        Ok(text.replace(&self.from, &self.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kernel_is_changed_and_no_other() {
        let wrong = WrongKernel::parse("softmax:max(a, b)=>min(a, b)").unwrap();
        assert_eq!(wrong.apply("softmax", "x = max(a, b);".to_owned()).unwrap(), "x = min(a, b);");
        assert_eq!(wrong.apply("gemm", "x = max(a, b);".to_owned()).unwrap(), "x = max(a, b);");
        let error = wrong.apply("softmax", "x = max(b, a);".to_owned()).unwrap_err().to_string();
        assert_eq!(error, r#"wrong kernel: softmax does not contain "max(a, b)""#);
    }

    #[test]
    fn what_names_no_kernel_or_changes_nothing_is_refused() {
        for (text, part) in [
            ("nonsense:a=>b", "there is no kernel \"nonsense\"; there are arg_reduce, "),
            ("softmax", "KERNEL:FROM=>TO"),
            ("softmax:a", "KERNEL:FROM=>TO"),
            ("softmax:=>b", "KERNEL:FROM=>TO"),
            ("softmax:a=>a", "KERNEL:FROM=>TO"),
        ] {
            let error = WrongKernel::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
