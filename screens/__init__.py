"""Everything a person sees. Screens paint one frozen state and send intents; they decide nothing."""
