//! Finds libthinkwire: in THINKWIRE_LIB_DIR, or through pkg-config, or where the linker looks.

use std::{env, process::Command};

fn main() {
    println!("cargo:rerun-if-env-changed=THINKWIRE_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    if let Ok(directory) = env::var("THINKWIRE_LIB_DIR") {
        println!("cargo:rustc-link-search=native={directory}");
        return;
    }
    let found = Command::new("pkg-config").args(["--libs-only-L", "thinkwire"]).output();
    if let Ok(output) = found {
        for flag in String::from_utf8_lossy(&output.stdout).split_whitespace() {
            println!("cargo:rustc-link-search=native={}", flag.trim_start_matches("-L"));
        }
    }
}
