/*!
 * \file memstow/gumbel_search_object.h
 * \brief How searches and the games that they play cross the border of tvm_ffi.
 */
#ifndef MEMSTOW_GUMBEL_SEARCH_OBJECT_H_
#define MEMSTOW_GUMBEL_SEARCH_OBJECT_H_

#include <algorithm>
#include <vector>

#include "memstow/gumbel_search.h"
#include "memstow/problem_object.h"
#include "memstow/self_play.h"

namespace memstow {

/*! \brief How to search; checked. It never changes. */
class SearchOptionsObj : public tvm::ffi::Object {
 public:
  explicit SearchOptionsObj(const SearchOptions& given) : options(GumbelSearch(given).options()) {}

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.gumbel.Options", SearchOptionsObj, tvm::ffi::Object);

  const SearchOptions options;
};

/*! \brief Reference to SearchOptionsObj. */
class SearchOptionsRef : public tvm::ffi::ObjectRef {
 public:
  explicit SearchOptionsRef(const SearchOptions& options)
      : ObjectRef(tvm::ffi::make_object<SearchOptionsObj>(options)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(SearchOptionsRef, tvm::ffi::ObjectRef, SearchOptionsObj);
};

/*!
 * \brief Arrays of the caller that hold decisions one after another: `legal` and `actions` (N) uint8; `visits` (N, 3)
 *  int32; `q` (N, 3) double; `policy` (N, 3) float; `values` and `rewards` (N) double; all flat.
 */
class DecisionArrays {
 public:
  DecisionArrays(size_t count, const tvm::ffi::TensorView& legal, const tvm::ffi::TensorView& actions,
                 const tvm::ffi::TensorView& visits, const tvm::ffi::TensorView& q, const tvm::ffi::TensorView& policy,
                 const tvm::ffi::TensorView& values, const tvm::ffi::TensorView& rewards)
      : legal_(Output<uint8_t>(legal, count, "legal")),
        actions_(Output<uint8_t>(actions, count, "actions")),
        visits_(Output<int32_t>(visits, kNumActions * count, "visits")),
        q_(Output<double>(q, kNumActions * count, "q")),
        policy_(Output<float>(policy, kNumActions * count, "policy")),
        values_(Output<double>(values, count, "values")),
        rewards_(Output<double>(rewards, count, "rewards")) {}

  /*! \brief Write decision k; different ones may be written by different threads. */
  void Write(size_t k, const SearchedDecision& decision) const {
    legal_[k] = static_cast<uint8_t>(decision.legal);
    actions_[k] = static_cast<uint8_t>(decision.found.action);
    std::copy(decision.found.visits.begin(), decision.found.visits.end(), visits_ + kNumActions * k);
    std::copy(decision.found.q.begin(), decision.found.q.end(), q_ + kNumActions * k);
    std::copy(decision.found.policy.begin(), decision.found.policy.end(), policy_ + kNumActions * k);
    values_[k] = decision.found.value;
    rewards_[k] = decision.reward;
  }

 private:
  uint8_t* legal_;
  uint8_t* actions_;
  int32_t* visits_;
  double* q_;
  float* policy_;
  double* values_;
  double* rewards_;
};

/*! \brief Numbers of a node in `links`: parent, action, visits, legal; and in `numbers`: reward, evaluation, value. */
constexpr size_t kNodeLinks = 4, kNodeNumbers = 3;

/*! \brief Write a tree, node by node; the arrays have room for it. Returns the number of nodes. */
inline int64_t WriteTree(const std::vector<TreeNode>& nodes, const tvm::ffi::TensorView& links,
                         const tvm::ffi::TensorView& numbers) {
  const size_t room = Elements<int32_t>(links, "links").size() / kNodeLinks;
  if (room < nodes.size()) TVM_FFI_THROW(ValueError) << "links: expected room for " << nodes.size() << " nodes";
  int32_t* link = Output<int32_t>(links, kNodeLinks * room, "links");
  double* number = Output<double>(numbers, kNodeNumbers * room, "numbers");
  for (const TreeNode& node : nodes) {
    *link++ = node.parent;
    *link++ = static_cast<int32_t>(node.action);
    *link++ = node.visits;
    *link++ = static_cast<int32_t>(node.evaluation.legal);
    *number++ = node.reward;
    *number++ = node.evaluation.value;
    *number++ = node.value;
  }
  return static_cast<int64_t>(nodes.size());
}

}  // namespace memstow
#endif  // MEMSTOW_GUMBEL_SEARCH_OBJECT_H_
