"""Pictures in and out, their colour spaces, edge-aware upsampling; no learning framework."""
