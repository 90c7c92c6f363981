#include <tvm/ffi/container/array.h>
#include <tvm/ffi/reflection/registry.h>

#include <limits>

#include "memstow/problem_object.h"
#include "memstow/search.h"
#include "memstow/search_keys.h"

namespace memstow {

namespace ffi = tvm::ffi;

namespace {

// Numbers of one placed stay: the seven of Stay, offset, and the block's first and last time.
constexpr size_t kPlacedFields = 10;

/*! \brief A search that Python holds, with the problem that it needs. */
class SearchObj : public ffi::Object {
 public:
  SearchObj(ProblemRef problem, int64_t seed, const Annealing& annealing)
      : problem_(std::move(problem)), search(problem_->problem(), static_cast<uint64_t>(seed), annealing) {}

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.search.Search", SearchObj, ffi::Object);

 private:
  ProblemRef problem_;

 public:
  Search search;
};

class SearchRef : public ffi::ObjectRef {
 public:
  explicit SearchRef(ffi::ObjectPtr<SearchObj> data) : ObjectRef(std::move(data)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(SearchRef, ffi::ObjectRef, SearchObj);
};

/*! \brief A random-key evolution that Python holds, with the problem that it needs. */
class RandomKeysObj : public ffi::Object {
 public:
  RandomKeysObj(ProblemRef problem, int64_t seed, int32_t population)
      : problem_(std::move(problem)), keys(problem_->problem(), static_cast<uint64_t>(seed), population) {}

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.search.RandomKeys", RandomKeysObj, ffi::Object);

 private:
  ProblemRef problem_;

 public:
  RandomKeys keys;
};

class RandomKeysRef : public ffi::ObjectRef {
 public:
  explicit RandomKeysRef(ffi::ObjectPtr<RandomKeysObj> data) : ObjectRef(std::move(data)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(RandomKeysRef, ffi::ObjectRef, RandomKeysObj);
};

RandomKeysRef MakeKeys(ProblemRef problem, int64_t seed, int32_t population) {
  return RandomKeysRef(ffi::make_object<RandomKeysObj>(std::move(problem), seed, population));
}

SearchRef MakeSearch(ProblemRef problem, int64_t seed, double hot, double cold) {
  return SearchRef(ffi::make_object<SearchObj>(std::move(problem), seed, Annealing{hot, cold}));
}

std::vector<PlacedStay> Placed(const SearchRef& search, ffi::TensorView rows) {
  const Span<int64_t> numbers = Elements<int64_t>(rows, "placed stays");
  if (numbers.size() % kPlacedFields != 0) {
    TVM_FFI_THROW(ValueError) << "placed stays: expected ten numbers each, found " << numbers.size();
  }
  std::vector<PlacedStay> stays;
  for (const int64_t* row = numbers.begin(); row != numbers.end(); row += kPlacedFields) {
    const auto at = [row](size_t k) { return static_cast<int32_t>(row[k]); };
    PlacedStay placed;
    placed.stay = {at(0), at(1), at(2), {at(3), at(4)}, {at(5), at(6)}};
    placed.block.offset = row[7];
    CheckStay(search->search.schedule().problem(), placed.stay);
    stays.push_back(placed);
  }
  return stays;
}

int64_t Adopt(SearchRef search, ffi::TensorView rows) { return search->search.Adopt(Placed(search, rows)); }

int64_t Rebuild(SearchRef search, ffi::TensorView kept, ffi::TensorView wished) {
  return search->search.Rebuild(Placed(search, kept), Placed(search, wished));
}

/*! Placed stays, ten numbers each; `rows` has room for all. */
void Write(const std::vector<PlacedStay>& stays, ffi::TensorView rows) {
  int64_t* out = Output<int64_t>(rows, kPlacedFields * stays.size(), "placed stays");
  for (const PlacedStay& placed : stays) {
    const Stay& stay = placed.stay;
    const Block& block = placed.block;
    for (int64_t value : {int64_t{stay.storage}, int64_t{stay.first}, int64_t{stay.last}, int64_t{stay.prefetch.start},
                          int64_t{stay.prefetch.done}, int64_t{stay.eviction.start}, int64_t{stay.eviction.done},
                          block.offset, int64_t{block.start}, int64_t{block.end}}) {
      *out++ = value;
    }
  }
}

int64_t Anneal(SearchRef search, int64_t iterations, double seconds, double progress_from, double progress_until) {
  const bool timed = seconds > 0.0;
  Slice slice{timed ? std::numeric_limits<int64_t>::max() : iterations,
              timed ? seconds : std::numeric_limits<double>::infinity(), progress_from, progress_until};
  return search->search.Anneal(slice);
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<SearchObj>();
  refl::ObjectDef<RandomKeysObj>();
  refl::GlobalDef()
      .def("memstow.search.search", MakeSearch, "A search that begins without stays")
      .def(
          "memstow.search.construct",
          [](SearchRef s, int64_t taste, int64_t tries) {
            return s->search.Construct(static_cast<size_t>(taste), static_cast<int32_t>(tries));
          },
          "Place runs by a taste; whether nothing is left to place")
      .def(
          "memstow.search.clear", [](SearchRef s) { s->search.Clear(); }, "Begin anew without stays")
      .def("memstow.search.adopt", Adopt, "Begin anew from given stays")
      .def("memstow.search.rebuild", Rebuild, "Begin anew from given stays and wished ones; how many wishes came true")
      .def(
          "memstow.search.return_to_best", [](SearchRef s) { s->search.Return(); }, "Begin anew from the best")
      .def("memstow.search.anneal", Anneal, "One slice of annealing, by time if seconds are given; iterations made")
      .def(
          "memstow.search.best_seconds", [](SearchRef s) { return s->search.best_seconds(); }, "Seconds of the best")
      .def(
          "memstow.search.count_best", [](SearchRef s) { return static_cast<int64_t>(s->search.best().size()); },
          "Number of the best stays")
      .def(
          "memstow.search.best", [](SearchRef s, ffi::TensorView rows) { Write(s->search.best(), rows); },
          "The best stays")
      .def("memstow.search.keys", MakeKeys, "A random-key evolution")
      .def(
          "memstow.search.keys_evolve",
          [](RandomKeysRef k, int64_t decodes, double seconds) { return k->keys.Evolve(decodes, seconds); },
          "Try some orders, at least one; how many were tried")
      .def(
          "memstow.search.keys_best_seconds", [](RandomKeysRef k) { return k->keys.best_seconds(); },
          "Seconds of the best")
      .def(
          "memstow.search.keys_count_best", [](RandomKeysRef k) { return static_cast<int64_t>(k->keys.best().size()); },
          "Number of the best stays")
      .def(
          "memstow.search.keys_best", [](RandomKeysRef k, ffi::TensorView rows) { Write(k->keys.best(), rows); },
          "The best stays");
}

}  // namespace memstow
