#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/base/error.hpp"
#include "daemon/rules/state_file.hpp"

namespace qw {

/// Which boot of the machine this is; empty where /proc does not say. Read once, by the first caller.
const std::string& boot_id();
/// Milliseconds since that boot, sleep included.
rules::Millis boot_time();

/// The state of alerts on disk. Both calls block: they run on a worker. One at a time.
class StateStore {
 public:
  /// `folder` must be there; empty: nothing is kept.
  explicit StateStore(std::string folder) : folder_(std::move(folder)) {}

  bool keeps() const { return !folder_.empty(); }
  std::string file() const { return folder_ + "/alerts.state"; }

  /// Whatever happens, even a power cut, the file is then the old state or the new one: temporary file,
  /// fsync, rename, fsync of the folder.
  Result<void> save(const rules::SavedState& state) const;

  struct Loaded {
    std::optional<rules::SavedState> state;  ///< nothing: there is none
    std::string set_aside;                   ///< why the file was renamed; empty: it was good, or not there
  };
  /// A file that is no good is renamed to alerts.state.corrupt-SECONDS. Errors: it can not be read.
  Result<Loaded> load() const;

 private:
  std::string folder_;
};

}  // namespace qw
