package io.safegrad.trainer.study;

import io.safegrad.trainer.study.StudyGrid.SubStudy;
import java.util.List;

/** A handful of cases of few steps, whose figures say nothing but that all of it works. */
final class QuickGrid {

  static final int STEPS = 10;

  private QuickGrid() {}

  static SubStudy of() {
    return new SubStudy(
        "quick",
        List.of(
            StudyGrid.start(Attack.PLAIN),
            quick(Attack.PLAIN, Variant.SFT, AlignmentChoice.BUILTIN),
            quick(
                Attack.BACKDOOR, Variant.SAFE_GRAD_DROP, AlignmentChoice.of(10).chosenToCover())));
  }

  private static StudyCase quick(Attack attack, Variant variant, AlignmentChoice alignment) {
    return new StudyCase(false, Task.SENTIMENT, attack, 30, variant, alignment, 3e-3, STEPS, 43);
  }
}
