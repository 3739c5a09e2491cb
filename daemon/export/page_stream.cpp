#include "daemon/export/page_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>

#include "daemon/base/rfc3339.hpp"
#include "daemon/base/text.hpp"

namespace qw::exporting {
namespace {

/// What is wrong is told at once; all else may wait for a few seconds.
constexpr std::string_view kUrgent = "part-wrong";

std::string event_of(const status::Section& section) {
  auto out = fmt::format("event: section\ndata: {}\n", section.id);
  for (const auto line : split(section.html, '\n'))
    fmt::format_to(std::back_inserter(out), "data: {}\n", line);
  return out + "\n";
}

}  // namespace

bool PageHub::take(std::uint64_t number, const std::vector<status::Section>& sections, bool all,
                   WallTime at) {
  sections_.resize(sections.size());
  bool changed = false;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    auto& sent = sections_[i];
    const auto& section = sections[i];
    const bool may_wait = section.id != kUrgent && !all && sent.number > 0;
    if (may_wait || sent.html == section.html) continue;
    sent = {.html = section.html, .event = event_of(section), .number = number};
    changed = true;
  }
  if (changed) beat(number, at);
  return changed;
}

void PageHub::beat(std::uint64_t number, WallTime at) {
  number_ = number;
  at_ = format_time(at);
  pieces_.clear();
}

PageHub::Body PageHub::changes_since(std::uint64_t seen) {
  if (seen >= number_) return nullptr;
  auto& piece = pieces_[seen];
  if (piece) return piece;
  std::string text = fmt::format("event: at\ndata: {}\n\n", at_);
  for (const auto& section : sections_) {
    if (section.number > seen) text += section.event;
  }
  piece = std::make_shared<const std::string>(std::move(text));
  return piece;
}

void PageHub::wake() {
  for (auto* stream : streams_) stream->wake_.cancel();
}

void PageHub::close_all() {
  for (auto* stream : streams_) stream->close();
}

PageHub::Stream::Stream(std::shared_ptr<PageHub> hub, asio::any_io_executor executor, std::uint64_t seen)
    : hub_(std::move(hub)), wake_(std::move(executor), asio::steady_timer::time_point::max()), seen_(seen) {
  hub_->streams_.push_back(this);
}

PageHub::Stream::~Stream() {
  std::erase(hub_->streams_, this);
}

Task<PageHub::Body> PageHub::Stream::next() {
  static const auto kHello = std::make_shared<const std::string>("retry: 2000\n\n");
  if (closed_) co_return nullptr;
  // The client learns at once that it is heard, even if nothing changes for long.
  if (!std::exchange(begun_, true)) co_return kHello;
  while (!closed_) {
    if (auto piece = hub_->changes_since(seen_)) {
      seen_ = hub_->number();
      co_return piece;
    }
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) break;
  }
  co_return nullptr;
}

void PageHub::Stream::close() {
  closed_ = true;
  wake_.cancel();
}

}  // namespace qw::exporting
