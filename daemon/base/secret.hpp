#pragma once
#include <string>
#include <string_view>

namespace qw {

/// A password, token or key. It has no formatter and no stream operator, so that printing one does not
/// compile; its bytes are wiped when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  bool empty() const noexcept { return value_.empty(); }
  /// Only for the code that hands it to the target.
  std::string_view reveal() const noexcept { return value_; }
  bool operator==(const Secret&) const = default;

 private:
  void wipe() noexcept;

  std::string value_;
};

}  // namespace qw
