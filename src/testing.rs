//! Helpers for tests of GPU code.
