#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"

namespace qw::members {

inline constexpr std::size_t kMaxFileBytes = 1U << 20U;
inline constexpr std::size_t kMaxAddresses = 4096;

/// An address of a file, and where it stands.
struct SdAddress {
  std::string text;
  config::Place place;
  std::string path;  ///< "[0].targets[1]"
};

/// A file in the format of Prometheus' `file_sd_configs`.
struct SdFile {
  std::vector<SdAddress> addresses;  ///< usable only when there is no problem; labels are left out
  std::vector<config::Problem> problems;
};

/// Reads JSON where `file` ends in .json, else YAML: a list of mappings with `targets`, a list of texts, and
/// `labels`, a mapping of texts. Strict where Prometheus is: any other key is a problem.
SdFile read_sd_file(std::string_view text, const std::string& file);

}  // namespace qw::members
