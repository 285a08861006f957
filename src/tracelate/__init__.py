from tracelate.openmp import set_up_openmp

set_up_openmp()
