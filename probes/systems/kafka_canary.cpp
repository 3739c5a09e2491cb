#include "probes/systems/kafka_canary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "daemon/async/loose_threads.hpp"
#include "daemon/base/text.hpp"
#include "probes/systems/kafka_canary_client.hpp"

namespace qw::probes {
namespace {

constexpr Nanoseconds kPatience = std::chrono::seconds(1);  // of one blocking call
constexpr Nanoseconds kServe =
    std::chrono::milliseconds(50);  // how soon an acknowledgement or a stop is noticed
constexpr Nanoseconds kBeforeRetry = std::chrono::seconds(1);
constexpr Nanoseconds kShortestInterval = std::chrono::milliseconds(10);

async::LooseThreads& threads() {
  static auto& all = async::LooseThreads::make();
  return all;
}

/// Tells this canary's messages from another one's, and from those of a former run.
std::string make_run_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

SteadyTime now() {
  return SystemClock().steady();
}

}  // namespace

struct KafkaCanary::State final : KafkaCanaryListener {
  explicit State(KafkaCanaryOptions its) : options(std::move(its)), ledger(options.lost_after) {}

  void run();
  KafkaCanarySaid said();
  void stop();

  void on_acknowledged(std::uint64_t number) override;
  void on_failed(std::uint64_t number) override;
  void on_received(std::string_view payload, std::int32_t partition, std::int64_t offset) override;
  void on_complaint(std::string text) override;

  const KafkaCanaryOptions options;

 private:
  std::unique_ptr<KafkaCanaryClient> open();
  void produce_and_consume(KafkaCanaryClient& client, std::int32_t partitions);
  void send(KafkaCanaryClient& client, std::int32_t partitions);
  void judge();
  void set_problem(const Error& error);
  bool wait_before_retry();

  // Only the canary's own thread.
  const std::string run_id = make_run_id();
  std::map<std::int32_t, std::int64_t> positions;

  std::mutex mutex;
  std::condition_variable stopping;
  bool stopped = false;
  KafkaCanaryLedger ledger;
  std::uint64_t errors = 0;
  std::int32_t serving = 0;  // partitions
  std::string problem = "starting";
  std::string complaint;  // the last one since a message came
};

void KafkaCanary::State::run() {
  std::unique_ptr<KafkaCanaryClient> client;
  do {
    if (!client || client->broken()) {
      client.reset();
      client = open();
      if (!client) continue;
    }
    const auto partitions = client->find_topic(kPatience);
    if (!partitions) {
      set_problem(partitions.error());
      continue;
    }
    const auto begun = client->begin(*partitions, positions, kPatience);
    if (!begun) {
      set_problem(begun.error());
      client.reset();  // it may have begun with some partitions
      continue;
    }
    produce_and_consume(*client, *partitions);
    client.reset();
  } while (wait_before_retry());
}

std::unique_ptr<KafkaCanaryClient> KafkaCanary::State::open() {
  auto client = KafkaCanaryClient::make(options, *this);
  if (client) return std::move(*client);
  set_problem(client.error());
  return nullptr;
}

void KafkaCanary::State::produce_and_consume(KafkaCanaryClient& client, std::int32_t partitions) {
  {
    const std::lock_guard lock(mutex);
    serving = partitions;
    problem.clear();
  }
  const Nanoseconds interval = std::max(options.interval, kShortestInterval);
  SteadyTime next = now();
  while (!client.broken()) {
    {
      const std::lock_guard lock(mutex);
      if (stopped) break;
    }
    if (now() >= next) {
      send(client, partitions);
      next += interval;
      if (next < now()) next = now();  // what was missed stays missed
    }
    client.serve(std::clamp(next - now(), Nanoseconds(std::chrono::milliseconds(1)), kServe));
    judge();
  }
  const std::lock_guard lock(mutex);
  serving = 0;
}

void KafkaCanary::State::send(KafkaCanaryClient& client, std::int32_t partitions) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex);
    number = ledger.send(now());
  }
  const auto partition = static_cast<std::int32_t>(number % static_cast<std::uint64_t>(partitions));
  const auto produced = client.produce(partition, fmt::format("{} {}", run_id, number), number);
  if (produced) return;
  on_failed(number);
  on_complaint(produced.error().message());
}

void KafkaCanary::State::judge() {
  const std::lock_guard lock(mutex);
  ledger.judge(now());
}

void KafkaCanary::State::on_acknowledged(std::uint64_t number) {
  const std::lock_guard lock(mutex);
  ledger.acknowledge(number, now());
}

void KafkaCanary::State::on_failed(std::uint64_t number) {
  const std::lock_guard lock(mutex);
  ledger.fail(number);
}

void KafkaCanary::State::on_received(std::string_view payload, std::int32_t partition, std::int64_t offset) {
  const SteadyTime received = now();
  positions[partition] = offset + 1;
  const auto fields = split(payload, ' ');
  if (fields.size() != 2 || fields[0] != run_id) return;
  const auto number = parse_uint64(fields[1]);
  if (!number) return;
  const std::lock_guard lock(mutex);
  ledger.receive(*number, partition, received);
  problem.clear();
  complaint.clear();
}

void KafkaCanary::State::on_complaint(std::string text) {
  const std::string flaw = kafka_canary_login_flaw(options.security);
  if (text.contains("Authentication failure") && !flaw.empty()) text += "; " + flaw;
  const std::lock_guard lock(mutex);
  ++errors;
  complaint = std::move(text);
}

void KafkaCanary::State::set_problem(const Error& error) {
  const std::lock_guard lock(mutex);
  problem = error.message();
}

/// Whether to go on.
bool KafkaCanary::State::wait_before_retry() {
  std::unique_lock lock(mutex);
  return !stopping.wait_for(lock, kBeforeRetry, [this] { return stopped; });
}

void KafkaCanary::State::stop() {
  const std::lock_guard lock(mutex);
  stopped = true;
  stopping.notify_all();
}

KafkaCanarySaid KafkaCanary::State::said() {
  const std::lock_guard lock(mutex);
  const SteadyTime at = now();
  std::string words = problem;
  if (!complaint.empty()) words += (words.empty() ? "" : ": ") + complaint;
  return {.counts = ledger.counts(),
          .errors = errors,
          .waiting = ledger.waiting(),
          .latency = ledger.latency(at),
          .latency_max = ledger.longest_latency(at),
          .partitions = static_cast<std::uint32_t>(serving),
          .problem = std::move(words)};
}

KafkaCanary::KafkaCanary(KafkaCanaryOptions options) : state_(std::make_shared<State>(std::move(options))) {}

KafkaCanary::~KafkaCanary() {
  stop();
}

void KafkaCanary::start() {
  // It owns what it works on: the canary can go while librdkafka takes its time.
  threads().start([state = state_] { state->run(); });
}

void KafkaCanary::stop() {
  state_->stop();
}

KafkaCanarySaid KafkaCanary::said() const {
  return state_->said();
}

bool wait_for_kafka_canaries(Nanoseconds patience) {
  return threads().ended(patience);
}

}  // namespace qw::probes
