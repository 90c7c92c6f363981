/*!
 * \file memstow/game.h
 * \brief MallocGame (arXiv 2305.07440): a memory plan as one decision after another, every end of it a valid plan.
 *
 *  A decision is made for each touch of each storage that can be placed, in program order; at one instruction those
 *  with most bytes come first. A storage is one alias group: its members are decided together. The actions:
 *
 *    kDrop    serve the touch from slow memory
 *    kNoCopy  have it in fast memory because it is written there for the first time, or has stayed there
 *    kCopy    bring it to fast memory by a prefetch
 *
 *  Here x is written at 0, read at 1 and 4; w (in slow memory at first) is read at 2 and 4:
 *
 *    time         0         1         2         3         4
 *    decisions    x NoCopy  x NoCopy  w Copy              w NoCopy   x Copy
 *    fast memory  |== x ==============|                           |== x =|     x is evicted during [1, 2) for its
 *                           |== w =================================|        second stay; both prefetches are timed
 *
 *  Copies time themselves. A prefetch starts as late as it still hides behind slow memory's unused seconds, or later
 *  where there is no room that early; if the program has to wait then, of some starts the one that costs least. An
 *  eviction is decided with the access that needs it, the next one of the storage (or the last, of an output), and
 *  starts right after the last write or, if the program has to wait then, later if that costs less. So whatever has
 *  been decided is paid for in space and validity, but for one debt: data written in fast memory must still get out
 *  before its next slow access. Where neither that nor staying is possible any more, or where the eviction makes the
 *  program slower than it would be otherwise, *Drop-backup* goes back to where the storage entered fast memory and
 *  drops it there: dropping frees bytes and copies and cannot invalidate what others decided since.
 *
 *  Rewards are seconds saved; they sum up to the seconds of the program in slow memory minus those of the plan.
 */
#ifndef MEMSTOW_GAME_H_
#define MEMSTOW_GAME_H_

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "memstow/problem.h"
#include "memstow/repacking_memory.h"
#include "memstow/schedule_state.h"

namespace memstow {

/*! \brief See the head of this file. */
enum class Action : uint8_t { kDrop = 0, kNoCopy = 1, kCopy = 2 };
constexpr int32_t kNumActions = 3;

struct GameOptions {
  /*! \brief How hard a decision looks for offsets before it counts as illegal for lack of room. */
  RepackOptions repack;
  /*! \brief Storages whose first prefetch starts before the program, if there is room, and is free. */
  std::vector<int32_t> cross_program;
};

/*! \brief The static facts: what is decided in which order. Never changes; shared between threads and states. */
class Game {
 public:
  /*!
   * \brief A game on a problem that outlives it.
   * \throws ValueError when the options name a storage that cannot be prefetched, or more than the hardware allows.
   */
  explicit Game(const Problem& problem, GameOptions options = {});

  const Problem& problem() const { return *problem_; }
  const GameOptions& options() const { return options_; }
  /*! \brief Touches in the order of decisions. */
  const std::vector<int32_t>& decisions() const { return decisions_; }
  /*! \brief Seconds of the program with everything in slow memory. */
  double slow_seconds() const { return slow_seconds_; }
  bool crosses_program(int32_t storage) const { return crosses_[static_cast<size_t>(storage)] != 0; }

 private:
  const Problem* problem_;
  GameOptions options_;
  std::vector<int32_t> decisions_;
  std::vector<uint8_t> crosses_;
  double slow_seconds_ = 0.0;
};

/*!
 * \brief A storage in fast memory: touches [first, last] (counted within the storage) served during a block's
 *  [start, end].
 */
struct Residency {
  static constexpr int32_t kNever = -2;

  int32_t storage = 0;
  int32_t first = 0;
  int32_t last = 0;
  int32_t start = 0;
  int32_t end = 0;
  /*! \brief Time of the last touch that writes, or kNever. */
  int32_t last_write = kNever;
  Transfer prefetch;
  Transfer eviction;
  /*! \brief Filled in by GameState::Residencies. */
  int64_t offset = 0;
};

/*!
 * \brief A game in play. A value: copy it to clone it. The game must outlive it; one thread at a time.
 *
 *  What a history of actions leads to depends on the history alone.
 */
class GameState {
 public:
  explicit GameState(const Game& game);

  const Game& game() const { return *game_; }
  bool IsTerminal() const { return records_.size() == game_->decisions().size(); }
  /*! \brief Decisions made so far. */
  size_t NumDecided() const { return records_.size(); }
  /*! \brief The touch that is decided next. \throws ValueError at the end. */
  int32_t CurrentTouch() const;

  /*! \brief Bit a is set when action a is legal: at least one unless the game is over. */
  uint32_t LegalActions();
  /*! \brief Decide the current touch. \throws ValueError when the action is illegal or the game is over. */
  void Apply(Action action);
  /*! \brief Apply if legal; otherwise false and nothing changes. Cheaper than asking first. */
  bool TryApply(Action action);
  /*! \brief Take the last decision back. \throws ValueError when there is none. */
  void Undo();
  /*! \brief Apply a legal action drawn evenly. \throws ValueError when the game is over. */
  void ApplyRandomly(std::mt19937_64* random);
  /*! \brief Play legal actions drawn evenly until the game is over. */
  void PlayRandomly(std::mt19937_64* random);

  /*! \brief Seconds of the program as decided so far, what is undecided being slow. */
  double Seconds() const { return schedule_.TotalSeconds(); }
  /*! \brief Seconds saved so far: the sum of rewards. */
  double Return() const { return game_->slow_seconds() - Seconds(); }
  /*! \brief Decisions that were made by Drop-backup. */
  int32_t NumBackups() const { return num_backups_; }

  /*! \brief The actions so far, a digit each. */
  std::string History() const;
  /*! \brief What is in fast memory, with offsets; of the whole plan once the game is over. */
  std::vector<Residency> Residencies() const;
  const ScheduleState& schedule() const { return schedule_; }
  const FastMemory& memory() const { return memory_.memory(); }
  /*! \brief The residency that holds a storage's data now (its block's key in memory()), or -1. */
  int32_t ResidencyOf(int32_t storage) const { return places_[static_cast<size_t>(storage)].resident; }
  /*! \brief The time from which on slow memory holds a storage's data; beyond every time while it does not. */
  int32_t SlowFrom(int32_t storage) const { return places_[static_cast<size_t>(storage)].slow_from; }

 private:
  static constexpr int32_t kNobody = -1;
  static constexpr int32_t kInvalid = std::numeric_limits<int32_t>::max();

  /*! \brief Where a storage's data is between two of its touches. */
  struct Place {
    int32_t resident = kNobody;
    /*! \brief Slow memory holds the data from this time on, or kInvalid. */
    int32_t slow_from = kInvalid;
    /*! \brief The first time after all earlier residencies. */
    int32_t fast_from = 0;
  };
  /*! \brief A copy that was counted in (+1) or out (-1) of those open at each time. */
  struct OpenChange {
    int32_t direction;
    Transfer transfer;
    int32_t sign;
  };
  /*! \brief What it takes to undo a decision. */
  struct Record {
    Action action;
    bool backup;
    int32_t storage;
    Place place;
    Residency resident;
    size_t num_residencies;
    size_t schedule_mark;
    size_t memory_mark;
    size_t open_mark;
  };
  /*! \brief The touch being decided. */
  struct Subject {
    int32_t storage;
    int32_t index;
    int32_t time;
    bool writes;
    bool is_last;
  };

  Subject Current() const;
  Record Begin(int32_t storage) const;
  void RollBack(const Record& record);
  bool Attempt(Action action, const Subject& subject);
  bool AttemptDrop(const Subject& subject);
  bool AttemptNoCopy(const Subject& subject);
  bool AttemptCopy(const Subject& subject);
  void BackUp(const Subject& subject);
  bool BackUpIfFaster(const Record& record, const Subject& subject);

  bool Leave(const Subject& subject);
  void AccessSlowly(const Subject& subject);
  bool AccessFast(const Subject& subject, const Transfer& prefetch);
  bool Evict(int32_t resident, int32_t deadline);
  bool EvictFrom(int32_t start, int32_t resident, int32_t deadline);
  bool PlaceCopied(const Subject& subject, Transfer* prefetch);
  double SecondsWith(const Subject& subject, const Transfer& prefetch);
  bool TryCopied(const Subject& subject, const Transfer& prefetch, bool repack);
  bool FitNew(const Subject& subject, int32_t start, bool repack);
  bool Extend(int32_t resident, int32_t end, bool repack);

  bool MayOpen(int32_t direction, const Transfer& transfer) const;
  void CountOpen(int32_t direction, const Transfer& transfer, int32_t sign);

  Place& place(int32_t storage) { return places_[static_cast<size_t>(storage)]; }
  Residency& residency(int32_t id) { return residencies_[static_cast<size_t>(id)]; }

  const Game* game_;
  ScheduleState schedule_;
  RepackingMemory memory_;
  std::vector<Place> places_;
  /*! \brief By block key; those without a block were backed out of. */
  std::vector<Residency> residencies_;
  std::vector<Record> records_;
  /*! \brief Copies open at each time, prefetches then evictions; empty without limits. */
  std::vector<int32_t> open_;
  std::vector<OpenChange> open_changes_;
  int32_t num_backups_ = 0;
};

}  // namespace memstow
#endif  // MEMSTOW_GAME_H_
