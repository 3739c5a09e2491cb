#pragma once
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace qw::journal {

/// A folder that goes with its contents.
class Scratch {
 public:
  Scratch() : folder_("/tmp/quorumwatch-journal-XXXXXX") { ::mkdtemp(folder_.data()); }
  ~Scratch() { std::filesystem::remove_all(folder_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
};

}  // namespace qw::journal
