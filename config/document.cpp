#include "config/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "daemon/base/text.hpp"
#include "daemon/base/utf8.hpp"

namespace qw::config {
namespace {

// yaml-cpp reads a whole flow list before it tells of its first value: 4 MiB of '[' took it 1 GB. A value has
// at most one bracket of its own and one comma, so no text within kMaxNodes comes near this unless it is
// prose.
constexpr std::uint64_t kMaxFlowCharacters = 2 * kMaxNodes;

constexpr const char* kEndOfDocument = "\n...\n";

// Leaves yaml-cpp from within one of its events.
struct Stop {
  Place place;
  std::string text;
};

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {1, 1};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

// Tells only whether a second document begins.
class SecondDocument final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    throw Stop{place_of(mark), "unexpected after the end of the document; one file is one document"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

}  // namespace

// Builds the nodes from yaml-cpp's events. Its own YAML::Node is avoided: that one drops duplicate keys,
// throws late and would have to be walked before its size is known (facts/reliability-and-security.md 3).
class DocumentBuilder final : public YAML::EventHandler {
 public:
  explicit DocumentBuilder(Document& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node& node = begin(place_of(mark), "?", Node::Kind::nothing);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
    attach(&node);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_tag(place_of(mark), tag);
    if (is_key()) return set_key(place_of(mark), text);
    Node& node = begin(place_of(mark), tag, Node::Kind::scalar);
    node.text = text;
    // yaml-cpp's tag of a scalar that has none is "?" for a plain one and "!" for a quoted one.
    node.quoted = tag == "!";
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
    attach(&node);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Place place = place_of(mark);
    if (is_key()) refuse_key(place);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Stop{place, "an alias can not stand inside of what it stands for"};
    count(place, found->second->size);
    if (stack_.size() + found->second->height > kMaxDepth) too_deep(place);
    attach(found->second);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node* node;
    YAML::anchor_t anchor;
    bool has_key = false;
  };

  bool is_key() const {
    return !stack_.empty() && stack_.back().node->kind == Node::Kind::mapping && !stack_.back().has_key;
  }

  void set_key(Place place, const std::string& text) {
    count(place, 1);
    stack_.back().node->entries.push_back({.key = text, .place = place});
    stack_.back().has_key = true;
  }

  static void refuse_tag(Place place, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") throw Stop{place, "tags ('!...') are not supported"};
  }
  [[noreturn]] static void refuse_key(Place place) {
    throw Stop{place, "expected a key, which must be a plain word"};
  }
  [[noreturn]] static void too_deep(Place place) {
    throw Stop{place, fmt::format("nested deeper than {} levels", kMaxDepth)};
  }

  void count(Place place, std::uint64_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMaxNodes)
      throw Stop{place, fmt::format("more than {} values, with aliases expanded", kMaxNodes)};
  }

  Node& begin(Place place, const std::string& tag, Node::Kind kind) {
    if (is_key()) refuse_key(place);
    refuse_tag(place, tag);
    count(place, 1);
    if (stack_.size() + 1 > kMaxDepth) too_deep(place);
    Node& node = document_.nodes_.emplace_back();
    node.kind = kind;
    node.place = place;
    return node;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    stack_.push_back({.node = &begin(place_of(mark), tag, kind), .anchor = anchor});
  }

  void close() {
    const Frame frame = stack_.back();
    stack_.pop_back();
    // Only now, so that an alias within its own node finds nothing.
    if (frame.anchor != YAML::NullAnchor) anchors_[frame.anchor] = frame.node;
    attach(frame.node);
  }

  void attach(Node* node) {
    if (stack_.empty()) {
      document_.root_ = node->kind == Node::Kind::nothing ? nullptr : node;
      return;
    }
    Frame& parent = stack_.back();
    parent.node->size += node->size;
    parent.node->height = std::max(parent.node->height, node->height + 1);
    if (parent.node->kind == Node::Kind::list) {
      if (node->kind == Node::Kind::nothing) node->place = parent.node->place;
      parent.node->items.push_back(node);
      return;
    }
    Entry& entry = parent.node->entries.back();
    // yaml-cpp gives a value that is not there the place of what comes next.
    if (node->kind == Node::Kind::nothing) node->place = entry.place;
    entry.value = node;
    parent.has_key = false;
  }

  Document& document_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Node*> anchors_;  // of nodes that are complete
  std::uint64_t nodes_ = 0;
};

namespace {

// yaml-cpp takes U+0004 for the end of the text and passes invalid UTF-8 on, so neither may reach it.
bool check_characters(std::string_view text, Problems& problems) {
  Place place{1, 1};
  std::uint64_t flow = 0;
  while (!text.empty()) {
    const CodePoint at = next_code_point(text);
    const bool blank = at.value == '\t' || at.value == '\n' || at.value == '\r';
    if (!at.valid) problems.add(place, "", "not UTF-8");
    if (at.valid && !blank && is_control(at.value)) {
      problems.add(place, "",
                   fmt::format("control character U+{:04X}", static_cast<std::uint32_t>(at.value)));
    }
    if (at.value == '[' || at.value == '{' || at.value == ',') ++flow;
    if (flow > kMaxFlowCharacters) {
      problems.add(place, "", fmt::format("more than {} brackets and commas", kMaxFlowCharacters));
    }
    if (problems.count() > 0) return false;
    place.column += at.size;
    if (at.value == '\n') place = {place.line + 1, 1};
    text.remove_prefix(at.size);
  }
  return true;
}

// Nobody would guess from yaml-cpp's words what is wrong.
std::string_view explain(const std::string& message) {
  if (message == YAML::ErrorMsg::DOC_IN_SCALAR) return "a quote is still open here, where the document ends";
  return message;
}

}  // namespace

bool parse_document(std::string_view text, Document& document, Problems& problems) {
  if (text.size() > kMaxText) {
    problems.add({}, "", fmt::format("larger than {} MiB", kMaxText >> 20U));
    return false;
  }
  if (!check_characters(text, problems)) return false;
  try {
    // yaml-cpp takes the end of the text for the end of an open quote; it does not take the end of the
    // document for it.
    std::istringstream stream{std::string(text) + kEndOfDocument};
    YAML::Parser parser(stream);
    DocumentBuilder builder(document);
    parser.HandleNextDocument(builder);
    // Exactly one more look: asking until nothing is left never ends on some texts (yaml-cpp #1319).
    SecondDocument second;
    parser.HandleNextDocument(second);
    return true;
  } catch (const Stop& stop) {
    problems.add(stop.place, "", stop.text);
  } catch (const YAML::Exception& e) {
    // It quotes single bytes of what may be a longer character.
    problems.add(place_of(e.mark), "", fmt::format("not YAML: {}", sanitize(explain(e.msg))));
  }
  return false;
}

}  // namespace qw::config
