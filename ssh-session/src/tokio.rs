//! Sessions and channels for tasks.
