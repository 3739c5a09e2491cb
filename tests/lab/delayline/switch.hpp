#pragma once
#include <cstdio>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/lab/delayline/link.hpp"
#include "tests/lab/delayline/port.hpp"

namespace qw::lab {

/// Where each packet's true way is written: one line a packet, once it has left or is lost (README.md).
class Record {
 public:
  /// Null: nothing is written.
  explicit Record(std::FILE* file) : file_(file) {}
  void add(const Frame& frame, const std::string& from, const std::string& to,
           std::optional<Nanoseconds> left);
  void write();

 private:
  std::FILE* file_;
  std::string text_;
};

/// Takes frames in at each port, holds them as the direction says, and lets them out where their address is.
class Switch {
 public:
  Switch(std::vector<std::unique_ptr<Port>> ports, std::FILE* record, std::uint64_t seed);

  const std::vector<std::unique_ptr<Port>>& ports() const { return ports_; }
  /// "a b delay=5000": settings of the direction from interface a to b.
  Result<void> change(std::string_view command);
  void take_in(std::size_t from);
  /// Lets out what is due; when the next is due, if one waits.
  std::optional<Nanoseconds> release();

 private:
  struct Held {
    Nanoseconds release{};
    std::uint64_t order = 0;
    std::size_t from = 0, to = 0;
    std::shared_ptr<const Frame> frame;
    bool operator>(const Held& other) const;
  };
  void pass_on(const std::shared_ptr<const Frame>& frame, std::size_t from, std::size_t to);
  void note_left(std::size_t port);
  std::optional<std::size_t> find(std::string_view interface) const;
  Link& link(std::size_t from, std::size_t to) { return links_[from * ports_.size() + to]; }

  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<Link> links_;
  std::unordered_map<std::uint64_t, std::size_t> addresses_;  // Ethernet address: port
  std::priority_queue<Held, std::vector<Held>, std::greater<>> held_;
  std::vector<std::unordered_map<std::uint32_t, Held>> leaving_;  // of each port, by number: not stamped yet
  std::uint64_t order_ = 0;
  Record record_;
};

}  // namespace qw::lab
