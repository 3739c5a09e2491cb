#include <fmt/format.h>

#include "daemon/base/http_date.hpp"
#include "daemon/net/http_client.hpp"
#include "probes/network/clocks_aim.hpp"
#include "probes/network/clocks_member.hpp"

namespace qw::probes {
namespace {

constexpr Nanoseconds kResolution = std::chrono::seconds(1);

net::HttpClient::Options small() {
  net::HttpClient::Options options;
  options.max_body = 64 << 10;  // an answer to HEAD has none
  return options;
}

class DateMember final : public ClockMember {
 public:
  DateMember(const ProbeContext& context, ClockAddress address, std::shared_ptr<net::TlsContext> tls,
             Nanoseconds kept)
      : ClockMember(std::move(address.name)),
        clock_(context.clock),
        path_(std::move(address.path)),
        kept_(kept),
        client_(context.net, context.clock, std::move(address.at), std::move(tls), small()) {}

  Task<Facts> ask(SteadyTime deadline) override {
    Facts facts;
    // The first question of all finds out about where the second turns and how long an answer takes.
    if (!asked_before_) {
      auto first = co_await ask_once(deadline);
      asked_before_ = note(std::move(first), facts);
      if (!asked_before_) co_return facts;
    }
    for (const auto at : aim_.plan(clock_.steady(), deadline)) {
      const bool slept = co_await async::sleep_until(at);
      if (!slept) co_return facts;
      auto seen = co_await ask_once(deadline);
      const bool answered = note(std::move(seen), facts);
      if (!answered) co_return facts;
    }
    co_return facts;
  }

 private:
  struct Seen {
    Asked asked;
    Result<net::HttpReply> reply;
  };

  Task<Seen> ask_once(SteadyTime deadline) {
    const auto started = clock_.steady();
    net::HttpRequest request("HEAD", path_);
    // What a cache on the way once stored shows the time at which it was stored.
    request.headers.emplace_back("Cache-Control", "no-cache, no-store");
    auto reply = co_await client_.exchange(std::move(request), deadline);
    co_return Seen{.asked = {started, clock_.steady()}, .reply = std::move(reply)};
  }

  /// Whether it told the time.
  bool note(Seen seen, Facts& facts) {
    if (!seen.reply) {
      facts.append(unanswered(seen.asked, seen.reply.error()));
      return false;
    }
    const auto& reply = *seen.reply;
    const auto date = parse_http_date(reply.date);
    if (!date) {
      facts.append(unanswered(seen.asked, Error(ErrorKind::protocol, "http: the reply has no Date")));
      return false;
    }
    const Asked asked{reply.sent, reply.received};
    facts.round_trips.push_back({.member = name(),
                                 .method = "http",
                                 .asked = asked,
                                 .value = reply.received - reply.sent,
                                 .error = std::nullopt});
    ClockReading reading{.member = name(),
                         .source = "http_date",
                         .asked = asked,
                         .local_sent = reply.wall_sent,
                         .local_received = reply.wall_received,
                         .remote = *date,
                         .resolution = kResolution + kept_};
    aim_.saw(reading);
    facts.clocks.push_back(std::move(reading));
    return true;
  }

  const Clock& clock_;
  std::string path_;
  Nanoseconds kept_;
  net::HttpClient client_;
  DateAim aim_;
  bool asked_before_ = false;
};

}  // namespace

std::unique_ptr<ClockMember> make_date_member(const ProbeContext& context, ClockAddress address,
                                              std::shared_ptr<net::TlsContext> tls, Nanoseconds kept) {
  return std::make_unique<DateMember>(context, std::move(address), std::move(tls), kept);
}

}  // namespace qw::probes
