#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"
#include "daemon/base/secret.hpp"

/// The files and variables that a configuration refers to.
namespace qw::config {

/// `path` as seen from the folder of the configuration file `file`.
std::string resolve_path(std::string_view path, const std::string& file);

/// The whole of a regular file of at most `max_bytes`. Anything else (a pipe, a device) could block the loop
/// on a reload. Errors name the file.
Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes);

inline constexpr std::size_t kMaxSecret = 64U << 10U;

/// Reads what a `..._file` key names: a file, "env:NAME" or "credential:NAME" (systemd's
/// $CREDENTIALS_DIRECTORY). The last line break is not part of the secret. Errors name the source and never
/// quote what is in it.
Result<Secret> read_secret(std::string_view source, const std::string& configuration_file);

/// A hash that changes when the file does: of its content, or of its time and size when it is larger than 1
/// MiB. An error when it can not be read.
Result<std::uint64_t> hash_file(const std::string& path);

}  // namespace qw::config
