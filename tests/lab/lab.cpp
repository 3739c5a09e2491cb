#include "tests/lab/lab.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace qw::lab {

namespace {

const std::string kTool = QW_SOURCE_DIR "/tests/lab/lab";

struct Ended {
  int status = 0;
  std::string output;
  std::string complaint;
};

/// Reads a pipe to its end. Small outputs only: the other pipe is not read meanwhile.
std::string drain(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(descriptor);
  return text;
}

Ended execute(std::vector<std::string> arguments) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0) return {127, {}, "no pipe"};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = -1;
  const int failed =
      ::posix_spawn(&child, arguments.front().c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(err[1]);
  Ended ended;
  ended.output = drain(out[0]);
  ended.complaint = drain(err[0]);
  if (failed != 0) return {127, {}, fmt::format("{} can not be started", arguments.front())};
  while (::waitpid(child, &ended.status, 0) < 0 && errno == EINTR) {
  }
  return ended;
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

int number_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? static_cast<int>(value->get_int64()) : 0;
}

Result<void> drop_output(const Result<std::string>& done) {
  if (!done) return std::unexpected(done.error());
  return {};
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "tests/lab: %s\n", why.c_str());
  std::abort();
}

}  // namespace

std::string Node::endpoint() const {
  return fmt::format("{}:{}", address, port);
}

std::string Node::controller() const {
  return fmt::format("{}:{}", address, controller_port);
}

std::string Lab::unavailable() {
  static const std::string reason = [] {
    if (::geteuid() != 0) return std::string("needs root, for network namespaces");
    // The cheapest lab there is: one bridge and one namespace, removed again.
    const Lab lab;
    auto made = lab.run({"host", "probe"});
    return made ? std::string() : made.error().message();
  }();
  return reason;
}

std::string Lab::kafka_unavailable() {
  static const std::string reason = [] {
    auto ended = execute({QW_SOURCE_DIR "/tests/lab/kafka-jars"});
    // Any other failure is one of ours: up() will meet it again, and fail.
    const bool absent = WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 77;
    return absent ? ended.complaint : std::string();
  }();
  return reason;
}

Lab::Lab() {
  std::string pattern = (std::filesystem::temp_directory_path() / "qw-lab-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) give_up("no temporary directory");
  directory_ = pattern;
}

Lab::~Lab() {
  const bool keep = std::getenv("QW_KEEP_LAB") != nullptr;
  std::vector<std::string> down = {"down"};
  if (!keep) down.emplace_back("--remove");
  if (auto done = run(std::move(down)); !done)
    std::fprintf(stderr, "tests/lab: %s\n", done.error().message().c_str());
  if (keep) std::fprintf(stderr, "tests/lab: logs are in %s\n", directory_.c_str());
}

Result<void> Lab::up(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "up");
  return drop_output(run(std::move(arguments)));
}

Result<std::string> Lab::run(std::vector<std::string> arguments) const {
  std::vector<std::string> command = {kTool, "--dir", directory_.string(), "--owner",
                                      std::to_string(::getpid())};
  if (std::getenv("QW_KEEP_LAB") == nullptr) command.emplace_back("--temporary");
  const std::string verb = arguments.empty() ? "" : arguments.front();
  command.insert(command.end(), std::make_move_iterator(arguments.begin()),
                 std::make_move_iterator(arguments.end()));
  auto ended = execute(std::move(command));
  if (ended.status != 0) return fail(ErrorKind::internal, fmt::format("lab {}: {}", verb, ended.complaint));
  return ended.output;
}

Result<void> Lab::cut(const std::string& node) {
  return drop_output(run({"cut", node}));
}
Result<void> Lab::heal() {
  return drop_output(run({"heal"}));
}
Result<void> Lab::kill(const std::string& node) {
  return drop_output(run({"kill", node}));
}
Result<void> Lab::stop(const std::string& node) {
  return drop_output(run({"stop", node}));
}
Result<void> Lab::cont(const std::string& node) {
  return drop_output(run({"cont", node}));
}
Result<void> Lab::start(const std::string& node) {
  return drop_output(run({"start", node}));
}

std::vector<Node> Lab::nodes() const {
  auto shown = run({"show"});
  if (!shown) give_up(shown.error().message());
  const auto all = boost::json::parse(*shown).as_object();
  std::map<std::string, Node> sorted;
  for (const auto& [key, value] : all.at("nodes").as_object()) {
    const auto& facts = value.as_object();
    Node node;
    node.name = std::string(key);
    node.system = text_of(facts, "system");
    node.host = text_of(facts, "host");
    node.address = text_of(facts, "address");
    node.port = static_cast<std::uint16_t>(number_of(facts, "port"));
    node.controller_port = static_cast<std::uint16_t>(number_of(facts, "controller_port"));
    node.log = text_of(facts, "log");
    node.state = text_of(facts, "state");
    node.pid = number_of(facts, "pid");
    sorted.emplace(node.name, std::move(node));
  }
  std::vector<Node> result;
  for (auto& [name, node] : sorted) result.push_back(std::move(node));
  return result;
}

std::vector<Node> Lab::nodes(std::string_view system) const {
  auto all = nodes();
  std::erase_if(all, [&](const Node& node) { return node.system != system; });
  return all;
}

Node Lab::node(std::string_view name) const {
  for (auto& node : nodes()) {
    if (node.name == name) return node;
  }
  give_up(fmt::format("no node {}", name));
}

std::vector<std::string> Lab::endpoints(std::string_view system) const {
  std::vector<std::string> result;
  for (const auto& node : nodes(system)) result.push_back(node.endpoint());
  return result;
}

std::vector<std::string> Lab::controllers() const {
  std::vector<std::string> result;
  for (const auto& node : nodes()) {
    if (node.controller_port != 0) result.push_back(node.controller());
  }
  return result;
}

std::string Lab::certificate(std::string_view file) const {
  return (directory_ / "certs" / file).string();
}

}  // namespace qw::lab
