#include "daemon/base/secret.hpp"

#include <cstring>
#include <utility>

namespace qw {

// A short string lives inside its object, and moving from it leaves its characters there: so whatever is
// moved from is wiped too.
Secret::Secret(Secret&& other) noexcept {
  value_.swap(other.value_);
  other.wipe();
}

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe();
  value_ = other.value_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  value_.swap(other.value_);
  other.wipe();
  return *this;
}

void Secret::wipe() noexcept {
  value_.resize(value_.capacity());  // never allocates
  // explicit_bzero is not removed by the optimiser, unlike memset.
  explicit_bzero(value_.data(), value_.size());
  value_.clear();
}

}  // namespace qw
