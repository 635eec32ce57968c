//! `convoke devices`: the adapters, which one would be chosen, and why.

use std::io::Write;
use std::process::ExitCode;

use convoke::gpu::{AdapterChoice, AdapterInfo, adapters};

use super::outcome::Outcome;

/// Lists the adapters and explains the choice.
pub(super) fn run(out: &mut dyn Write, adapter: Option<&str>) -> Outcome {
    let adapters = adapters();
    for adapter in &adapters {
        describe(out, adapter)?;
    }
    let environment = || format!("CONVOKE_ADAPTER={}", std::env::var("CONVOKE_ADAPTER").unwrap_or_default());
    let (choice, asked) = match (adapter, AdapterChoice::asked_by_env()) {
        (Some(asked), _) => (asked.into(), Some(format!("--adapter {asked}"))),
        (None, Some(choice)) => (choice, Some(environment())),
        (None, None) => (AdapterChoice::best(), None),
    };
    match (choice.choose(&adapters), asked) {
        (Ok(chosen), asked) => {
            let why = reason(&choice, asked.as_deref(), &adapters, chosen);
            writeln!(out, "chosen: {}, {why}", adapters[chosen].name)?;
        }
        (Err(_), Some(asked)) if choice == AdapterChoice::Cpu => writeln!(out, "chosen: the CPU ({asked})")?,
        (Err(error), _) if adapter.is_some() => return Err(error.into()),
        (Err(_), None) if !adapters.is_empty() => {
            writeln!(out, "chosen: the CPU, since it is faster than a software adapter")?;
        }
        (Err(error), _) => {
            writeln!(out, "{error}")?;
            writeln!(out, "chosen: the CPU, since no adapter fits")?;
        }
    }
    writeln!(
        out,
        "to choose another: --adapter, or CONVOKE_ADAPTER, with hardware, software, cpu or part of a name, and :1 for the second of several"
    )?;
    Ok(ExitCode::SUCCESS)
}

fn describe(out: &mut dyn Write, adapter: &AdapterInfo) -> std::io::Result<()> {
    let limits = &adapter.limits;
    let yes_or_no = |yes| if yes { "yes" } else { "no" };
    let subgroups = match (adapter.subgroups, adapter.subgroup_size) {
        (false, _) => "no".to_owned(),
        (true, (smallest, largest)) if smallest == largest => format!("yes, of {smallest} invocations"),
        (true, (smallest, largest)) => format!("yes, of {smallest} to {largest} invocations"),
    };
    let rows = [
        ("kind", adapter.kind.to_string()),
        ("API", adapter.backend.clone()),
        ("driver", adapter.driver.clone()),
        ("PCI bus", adapter.pci_bus_id.clone()),
        ("subgroups", subgroups),
        ("16-bit floats", yes_or_no(adapter.shader_f16).to_owned()),
        ("timestamps", yes_or_no(adapter.timestamps).to_owned()),
        ("largest buffer", bytes(limits.max_buffer_size)),
        ("storage binding", bytes(limits.max_storage_buffer_binding_size)),
        (
            "workgroup",
            format!(
                "{} invocations, {} x {} x {} at most, {} of memory",
                limits.max_compute_invocations_per_workgroup,
                limits.max_compute_workgroup_size_x,
                limits.max_compute_workgroup_size_y,
                limits.max_compute_workgroup_size_z,
                bytes(limits.max_compute_workgroup_storage_size.into())
            ),
        ),
        (
            "workgroups",
            format!("{} in each dimension", limits.max_compute_workgroups_per_dimension),
        ),
    ];
    writeln!(out, "{}", adapter.name)?;
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "    {name:<16} {value}")?;
    }
    writeln!(out)
}

/// A number of bytes in the largest unit that it fills.
pub(super) fn bytes(number: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    // A limit may be one byte short of a round number.
    let unit = (1..units.len())
        .rfind(|&unit| number.saturating_add(1) >> (10 * unit) > 0)
        .unwrap_or(0);
    let text = format!("{:.1}", number as f64 / (1_u64 << (10 * unit)) as f64);
    format!("{} {}", text.trim_end_matches(".0"), units[unit])
}

/// Why this adapter is the one.
fn reason(choice: &AdapterChoice, asked: Option<&str>, adapters: &[AdapterInfo], chosen: usize) -> String {
    let fitting: Vec<&AdapterInfo> = adapters.iter().filter(|adapter| choice.accepts(adapter)).collect();
    let kind = adapters[chosen].kind;
    let of_kind = fitting.iter().filter(|adapter| adapter.kind == kind).count();
    let why = match (fitting.len(), of_kind) {
        _ if matches!(choice, AdapterChoice::Nth(..)) => "the one at that place among those that fit".to_owned(),
        (1, _) if adapters.len() == 1 => "the only adapter".to_owned(),
        (1, _) => "the only one that fits".to_owned(),
        (_, 1) => format!("of the best kind: {kind}"),
        _ => format!("the first of the best kind: {kind}"),
    };
    match asked {
        None => why,
        Some(asked) => format!("{why} ({asked})"),
    }
}
