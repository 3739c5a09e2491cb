#include "tests/lab/delayline/switch.hpp"

#include <fmt/format.h>

#include <ctime>
#include <span>
#include <tuple>

#include "daemon/base/text.hpp"
#include "tests/lab/delayline/summary.hpp"

namespace qw::lab {
namespace {

/// A line that holds more loses the rest, as a switch does.
constexpr std::size_t kMostHeld = 100'000;
constexpr std::size_t kMostAddresses = 4'096;
constexpr std::size_t kRecordBlock = 256 * 1024;

Nanoseconds now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

}  // namespace

void Record::add(const Frame& frame, const std::string& from, const std::string& to,
                 std::optional<Nanoseconds> left) {
  if (file_ == nullptr) return;
  const auto packet = std::span(frame.bytes).subspan(Frame::kHeader);
  text_ +=
      fmt::format("{} {} {} {} {} {}\n", frame.arrived.count(), left ? std::to_string(left->count()) : "lost",
                  from, to, packet.size(), summary(packet));
  if (text_.size() > kRecordBlock) write();
}

void Record::write() {
  if (file_ == nullptr || text_.empty()) return;
  std::fwrite(text_.data(), 1, text_.size(), file_);
  std::fflush(file_);
  text_.clear();
}

bool Switch::Held::operator>(const Held& other) const {
  return std::tie(release, order) > std::tie(other.release, other.order);
}

Switch::Switch(std::vector<std::unique_ptr<Port>> ports, std::FILE* record, std::uint64_t seed)
    : ports_(std::move(ports)), leaving_(ports_.size()), record_(record) {
  for (const auto& from : ports_) {
    for (const auto& to : ports_)
      links_.emplace_back(seed ^ stable_hash(from->interface() + ">" + to->interface()));
  }
}

Result<void> Switch::change(std::string_view command) {
  const auto first = command.find(' ');
  const auto second = command.find(' ', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return fail(ErrorKind::config, "expected FROM TO KEY=NUMBER...");
  const auto from = find(command.substr(0, first));
  const auto to = find(command.substr(first + 1, second - first - 1));
  if (!from || !to) return fail(ErrorKind::config, "no such interface");
  return link(*from, *to).settings.change(command.substr(second + 1));
}

void Switch::take_in(std::size_t from) {
  while (auto frame = ports_[from]->receive()) {
    if (addresses_.size() < kMostAddresses) addresses_[frame->source()] = from;
    const auto known = addresses_.find(frame->destination());
    const auto shared = std::make_shared<const Frame>(std::move(*frame));
    for (std::size_t to = 0; to < ports_.size(); ++to) {
      const bool wanted = known == addresses_.end() || known->second == to;
      if (to != from && wanted) pass_on(shared, from, to);
    }
  }
}

void Switch::pass_on(const std::shared_ptr<const Frame>& frame, std::size_t from, std::size_t to) {
  // Held from when the kernel saw it: what we were kept from the processor counts as a part of the delay.
  const auto fate = link(from, to).decide(frame->arrived);
  if (!fate.release || held_.size() >= kMostHeld) {
    record_.add(*frame, ports_[from]->interface(), ports_[to]->interface(), std::nullopt);
    return;
  }
  for (int copies = fate.twice ? 2 : 1; copies > 0; --copies)
    held_.push({.release = *fate.release, .order = ++order_, .from = from, .to = to, .frame = frame});
}

std::optional<Nanoseconds> Switch::release() {
  while (!held_.empty() && held_.top().release <= now()) {
    auto due = held_.top();
    held_.pop();
    const auto number = ports_[due.to]->send(*due.frame);
    if (number) {
      leaving_[due.to].emplace(*number, std::move(due));
    } else {
      record_.add(*due.frame, ports_[due.from]->interface(), ports_[due.to]->interface(), std::nullopt);
    }
  }
  for (std::size_t port = 0; port < ports_.size(); ++port) note_left(port);
  if (held_.empty()) {
    record_.write();
    return std::nullopt;
  }
  return std::max(held_.top().release - now(), Nanoseconds(0));
}

void Switch::note_left(std::size_t port) {
  while (const auto left = ports_[port]->left()) {
    const auto found = leaving_[port].find(left->number);
    if (found == leaving_[port].end()) continue;
    const Held& held = found->second;
    record_.add(*held.frame, ports_[held.from]->interface(), ports_[held.to]->interface(), left->at);
    leaving_[port].erase(found);
  }
}

std::optional<std::size_t> Switch::find(std::string_view interface) const {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i]->interface() == interface) return i;
  }
  return std::nullopt;
}

}  // namespace qw::lab
